"""Access tokens: unguessable, recognizable, and stored as a hash alone."""

import base64
import re

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token


def test_a_token_says_what_it_is() -> None:
    """The prefix lets secret scanners find a leaked token; the rest is URL-safe, as a Bearer header demands."""
    assert re.fullmatch(r"mtdb_[A-Za-z0-9_-]{43}", new_access_token())


def test_a_token_carries_256_random_bits() -> None:
    """Behind the prefix are 32 bytes; among a thousand tokens each of their bits is now set and now not."""
    secrets = [base64.urlsafe_b64decode(new_access_token().removeprefix("mtdb_") + "=") for _ in range(1000)]
    assert {len(secret) for secret in secrets} == {32}
    assert len(set(secrets)) == 1000
    numbers = [int.from_bytes(secret) for secret in secrets]
    ever_set = always_set = numbers[0]
    for number in numbers:
        ever_set |= number
        always_set &= number
    assert (ever_set, always_set) == (2**256 - 1, 0)


def test_the_hash_is_sha_256_of_the_whole_token() -> None:
    """The digest is the one that PostgreSQL's sha256() gives, prefix included: otherwise every sign-in would fail."""
    expected = "b29ba779bfadb27acfe4cd673ac92e993a72192227313b2119ab9e730a50a588"
    assert hash_access_token("mtdb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").hex() == expected


def test_the_hash_depends_on_every_character() -> None:
    """Changing any one character, also of the prefix, changes the hash."""
    token = new_access_token()
    altered = {token[:place] + "~" + token[place + 1 :] for place in range(len(token))}
    assert len({hash_access_token(text) for text in altered | {token}}) == len(token) + 1


def test_the_hash_does_not_hold_the_token() -> None:
    """What the database stores has 32 bytes and none of the token's text."""
    token = new_access_token()
    stored = hash_access_token(token)
    assert len(stored) == 32
    assert token.removeprefix("mtdb_").encode() not in stored
    assert base64.urlsafe_b64decode(token.removeprefix("mtdb_") + "=") != stored
