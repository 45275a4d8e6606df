from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.domain.text_stream import (
    MAX_LINE_CHARACTERS,
    NotTextError,
    TooLargeError,
    TruncatedGzipError,
    decompress,
    read_text_lines,
)

LIMIT = 10_000_000


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def lines_of(data: bytes, *, chunk: int = 65_536, limit: int = LIMIT) -> list[str]:
    return list(read_text_lines(cut(data, chunk), max_decompressed_bytes=limit))


def test_empty_input_has_no_lines() -> None:
    assert lines_of(b"") == []
    assert list(read_text_lines([b"", b""], max_decompressed_bytes=LIMIT)) == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_all_line_ends_are_read_wherever_chunks_are_cut(chunk: int) -> None:
    assert lines_of(b"unix\nwindows\r\nmac\rblank\n\nlast", chunk=chunk) == [
        "unix",
        "windows",
        "mac",
        "blank",
        "",
        "last",
    ]


def test_other_unicode_line_separators_are_part_of_the_line() -> None:
    text = "a\u2028b\x0bc\x85d"

    assert lines_of(f"{text}\n".encode()) == [text]


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_characters_over_chunk_boundaries_stay_whole(chunk: int) -> None:
    assert lines_of("β-helix\n日本\n🧬".encode(), chunk=chunk) == ["β-helix", "日本", "🧬"]


def test_byte_order_mark_is_dropped() -> None:
    assert lines_of(b"\xef\xbb\xbf>P1\nMK\n") == [">P1", "MK"]


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_gzip_is_recognised_by_its_first_bytes(chunk: int) -> None:
    assert lines_of(gzip.compress(b">P1\nMKV\n"), chunk=chunk) == [">P1", "MKV"]


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_gzip_members_in_a_row_are_one_text_and_zero_padding_is_ignored(chunk: int) -> None:
    data = gzip.compress(b"one\ntw") + b"\0\0\0" + gzip.compress(b"o\nthree\n") + b"\0" * 512

    assert lines_of(data, chunk=chunk) == ["one", "two", "three"]


@given(
    st.text(alphabet=st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"])),
    st.integers(1, 9),
    st.booleans(),
)
def test_lines_agree_with_the_standard_library(text: str, chunk: int, compressed: bool) -> None:
    data = text.encode()
    expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not expected[-1]:
        expected.pop()

    assert lines_of(gzip.compress(data) if compressed else data, chunk=chunk) == expected


def test_every_truncation_of_a_gzip_file_is_noticed() -> None:
    data = gzip.compress(b"some lines\n" * 50)

    for length in range(3, len(data)):
        with pytest.raises(TruncatedGzipError, match="transfer it again"):
            lines_of(data[:length])


def test_damaged_gzip_fails_its_checksum() -> None:
    data = bytearray(gzip.compress(b"some lines\n" * 50))
    data[-6] ^= 0xFF  # inside the CRC

    with pytest.raises(TruncatedGzipError, match="incorrect data check"):
        lines_of(bytes(data))


def test_rubbish_after_a_gzip_member_is_noticed() -> None:
    with pytest.raises(TruncatedGzipError):
        lines_of(gzip.compress(b"text\n") + b"rubbish")


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"PK\x03\x04....", "zip"), (b"BZh91AY", "bzip2"), (b"\xfd7zXZ\x00..", "xz"), (b"%PDF-1.7", "PDF")],
)
def test_other_formats_are_refused_by_name(data: bytes, name: str) -> None:
    with pytest.raises(NotTextError, match=name):
        lines_of(data, chunk=1)


def test_invalid_utf8_is_refused_with_its_line() -> None:
    with pytest.raises(NotTextError, match="line 3"):
        lines_of(b"one\ntwo\nM\xfcller\n")


def test_character_cut_off_at_the_end_is_refused() -> None:
    with pytest.raises(NotTextError):
        lines_of("β".encode()[:1])


@pytest.mark.parametrize("data", [b"one\n\0\0two", ">P1\n".encode("utf-16-le"), gzip.compress(b"a\0b")])
def test_nul_characters_are_binary(data: bytes) -> None:
    with pytest.raises(NotTextError, match="binary"):
        lines_of(data)


def test_limit_counts_bytes_after_decompression() -> None:
    data = b"0123456789\n" * 100

    assert len(lines_of(gzip.compress(data), limit=len(data))) == 100
    with pytest.raises(TooLargeError) as caught:
        lines_of(gzip.compress(data), limit=len(data) - 1)
    assert caught.value.status == 413


def test_gzip_bomb_is_stopped_without_being_unpacked() -> None:
    bomb = gzip.compress(b"\n" * 50_000_000)
    assert len(bomb) < 100_000

    lines = read_text_lines([bomb], max_decompressed_bytes=1_000_000)
    n_lines = sum(1 for _ in islice(lines, 786_432))  # the three whole pieces of 256 KiB below the limit
    with pytest.raises(TooLargeError):
        next(lines)
    assert n_lines == 786_432


def test_line_of_the_longest_length_is_read() -> None:
    line = "A" * MAX_LINE_CHARACTERS

    assert lines_of(f"x\n{line}\n".encode()) == ["x", line]


@pytest.mark.parametrize("end", ["", "\nMK\n"])
def test_longer_line_is_refused_with_its_number(end: str) -> None:
    line = "A" * (MAX_LINE_CHARACTERS + 1)

    with pytest.raises(TooLargeError, match="Line 2 is longer than 1,048,576 characters"):
        lines_of(f">P1\n{line}{end}".encode())


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_decompressed_bytes_are_those_of_the_text_compressed_or_not(chunk: int) -> None:
    text = "β-helix\r\nsecond\n".encode() * 50

    for data in (text, gzip.compress(text), gzip.compress(text[:100]) + gzip.compress(text[100:])):
        assert b"".join(decompress(cut(data, chunk), max_decompressed_bytes=LIMIT)) == text


def test_decompressed_bytes_are_limited() -> None:
    with pytest.raises(TooLargeError):
        list(decompress([gzip.compress(b"x" * 101)], max_decompressed_bytes=100))
