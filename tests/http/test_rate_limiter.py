"""The token buckets of organisations."""

from uuid import uuid4

import pytest

from multi_tenant_db.http import rate_limiter
from multi_tenant_db.http.rate_limiter import RateLimiter
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Make a clock."""
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    """Limit organisations to five requests a second."""
    return RateLimiter(5, clock)


def caller() -> Caller:
    """Make a caller of an organisation of its own."""
    organization_id = uuid4()
    return Caller(CallerRole.PARENT, organization_id, organization_id)


def admitted(limiter: RateLimiter, token: str, requests: int) -> int:
    """Return how many of so many requests are admitted."""
    return sum(limiter.admit(token) for _ in range(requests))


def test_a_second_of_requests_is_admitted_and_refills(limiter: RateLimiter, clock: Clock) -> None:
    """A burst of one second's requests passes; the bucket refills with time, and never above its size."""
    assert admitted(limiter, "a", 9) == 5
    clock.now += 0.4
    assert admitted(limiter, "a", 9) == 2
    clock.now += 60
    assert admitted(limiter, "a", 9) == 5


def test_tokens_of_an_organization_share_its_limit(limiter: RateLimiter) -> None:
    """Tokens of one organisation share a bucket once they are verified; another organisation has its own."""
    ours, theirs = caller(), caller()
    for token, owner in (("a", ours), ("b", ours), ("c", theirs)):
        assert limiter.admit(token)
        limiter.learn(token, owner)
    assert admitted(limiter, "a", 2) == 2
    assert limiter.fields("b")["RateLimit"] == '"organization";r=1;t=1'
    assert admitted(limiter, "b", 9) == 1
    assert admitted(limiter, "a", 9) == 0
    assert admitted(limiter, "c", 9) == 4


def test_a_token_without_an_organization_is_limited_by_itself(limiter: RateLimiter) -> None:
    """A token that is not verified, and a platform operator's, have buckets of their own."""
    limiter.learn("operator", Caller(CallerRole.PLATFORM_OPERATOR, None, None))
    assert admitted(limiter, "operator", 9) == 5
    assert admitted(limiter, "unknown", 9) == 5


def test_the_fields_are_those_of_the_draft(limiter: RateLimiter) -> None:
    """The policy says the limit, the limit what is left."""
    limiter.admit("a")
    assert limiter.fields("a") == {
        "RateLimit-Policy": '"organization";q=5;w=1',
        "RateLimit": '"organization";r=4;t=1',
    }


def test_memory_is_bounded(limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many tokens and organisations only the latest are remembered, and no token itself is."""
    monkeypatch.setattr(rate_limiter, "MOST_ENTRIES", 10)
    for number in range(100):
        token = f"secret-{number}"
        limiter.admit(token)
        limiter.learn(token, caller())
        limiter.admit(f"unknown-{number}")
    remembered = [entries for entries in vars(limiter).values() if isinstance(entries, dict)]
    assert [len(entries) for entries in remembered] == [10, 10]
    assert "secret" not in repr(remembered)
    assert "unknown" not in repr(remembered)
