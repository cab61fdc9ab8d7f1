"""The limit of requests a second for each organisation."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from uuid import UUID

from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.identity.caller import Caller

MOST_ENTRIES = 10_000
"""Of tokens and of buckets. The least recently used is forgotten: a forgotten bucket is full."""


class RateLimiter:
    """A token bucket for each organisation, of this worker alone; a full bucket holds the requests of one second.

    The organisation of an access token is known after the database has verified it once. Until then, and for platform
    operators, the access token has a bucket of its own. What is learnt limits rates and grants no access.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._organizations: OrderedDict[bytes, UUID] = OrderedDict()
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        """The requests left at a time in seconds, by organisation or by the access token's hash."""

    def admit(self, token: str) -> bool:
        """Count a request; return whether it is within the limit. A refused request is not counted."""
        return self._take(self._key_of(token))

    def learn(self, token: str, caller: Caller) -> None:
        """Note the organisation of a verified token; count the request that verified it."""
        token_hash = hash_access_token(token)
        if caller.organization_id is not None and token_hash not in self._organizations:
            _put(self._organizations, token_hash, caller.organization_id)
            self._buckets.pop(token_hash, None)
            self._take(caller.organization_id)

    def fields(self, token: str) -> dict[str, str]:
        """Return the response fields of draft-ietf-httpapi-ratelimit-headers."""
        left = int(self._left(self._key_of(token)))
        return {
            "RateLimit-Policy": f'"organization";q={self._per_second};w=1',
            "RateLimit": f'"organization";r={left};t=1',
        }

    def _key_of(self, token: str) -> Hashable:
        token_hash = hash_access_token(token)
        organization_id = self._organizations.get(token_hash)
        if organization_id is None:
            return token_hash
        self._organizations.move_to_end(token_hash)
        return organization_id

    def _left(self, key: Hashable) -> float:
        left, at = self._buckets.get(key, (self._per_second, 0.0))
        return min(self._per_second, left + (self._clock() - at) * self._per_second)

    def _take(self, key: Hashable) -> bool:
        left = self._left(key)
        if left < 1:
            return False
        _put(self._buckets, key, (left - 1, self._clock()))
        return True


def _put[Key, Value](entries: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MOST_ENTRIES:
        entries.popitem(last=False)
