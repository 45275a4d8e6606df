"""Bytes of message bodies."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.messaging.codec import MAX_BODY_BYTES, MalformedMessageError, decode, encode

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_what_is_encoded_decodes_to_the_same(body: dict[str, object]) -> None:
    assert decode(encode(body)) == body


def test_keys_are_sorted_and_text_is_utf_8() -> None:
    body = {"term": "GO:0005524", "name": "Σ", "counts": {"b": 2, "a": 1}}

    assert encode(body) == '{"counts":{"a":1,"b":2},"name":"Σ","term":"GO:0005524"}'.encode()


def test_identifiers_and_times_are_written_as_text() -> None:
    body = {"job_id": UUID(int=7), "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}

    assert decode(encode(body)) == {"job_id": "00000000-0000-0000-0000-000000000007", "time": "2026-01-02T03:04:05Z"}


def test_the_largest_body_is_accepted_and_one_byte_more_is_not() -> None:
    frame = len(encode({"key": ""}))

    assert len(encode({"key": "x" * (MAX_BODY_BYTES - frame)})) == 65_536
    with pytest.raises(MalformedMessageError, match="65537 bytes, 65536 are allowed"):
        encode({"key": "x" * (MAX_BODY_BYTES - frame + 1)})


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), b"\xff", "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(MalformedMessageError, match="cannot be written as JSON"):
        encode({"value": value})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":NaN}', b"{'a':1}", b'{"a":"\\ud800"}', b"[" * 10_000])
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessageError, match="is not JSON"):
        decode(body)


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "list"), (b'"x"', "str"), (b"1", "int"), (b"null", "NoneType")])
def test_a_body_that_is_not_an_object_is_malformed(body: bytes, kind: str) -> None:
    with pytest.raises(MalformedMessageError, match=f"JSON {kind}, not an object"):
        decode(body)
