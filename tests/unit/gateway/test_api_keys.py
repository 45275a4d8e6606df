"""API keys as values."""

from __future__ import annotations

import hashlib

import pytest

from protea_gateway.domain.api_keys import ApiKeySecret, presented_key


def test_a_key_has_256_random_bits_and_no_two_are_equal() -> None:
    keys = {ApiKeySecret.generate().key for _ in range(100)}

    assert len(keys) == 100
    assert all(len(bytes.fromhex(key)) == 32 for key in keys)


def test_only_the_digest_of_a_key_matches_it() -> None:
    secret = ApiKeySecret.generate()

    assert secret.matches(hashlib.sha256(secret.key.encode()).hexdigest())
    assert not secret.matches(ApiKeySecret.generate().digest)
    assert secret.prefix == secret.key[:8]


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "ApiKey abc"}, {"authorization": "apikey  abc "}, {"x-api-key": "abc"}],
)
def test_a_key_is_read_from_either_header(headers: dict[str, str]) -> None:
    assert presented_key(headers) == ApiKeySecret("abc")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer abc"}, {"authorization": "Basic abc"}])
def test_other_schemes_present_no_key(headers: dict[str, str]) -> None:
    assert presented_key(headers) is None


@pytest.mark.parametrize("key", ["", "abc", "g" * 64, "A" * 64, "0" * 63, "0" * 65, "0" * 63 + "\0"])
def test_what_cannot_be_a_key_is_seen_without_asking_the_database(key: str) -> None:
    assert not ApiKeySecret(key).is_well_formed
