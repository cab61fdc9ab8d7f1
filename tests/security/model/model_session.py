"""A connection as the model knows it: what it carries along, and what it has not committed yet."""

from dataclasses import dataclass, field
from uuid import UUID

from tests.security.model.forest import Forest, apply, changes, events, organization_of
from tests.security.model.model_event import ModelEvent
from tests.security.model.model_request import Key, ModelRequest
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.model_token import ModelToken
from tests.security.model.setting import Setting

type Saved = tuple[
    Setting[ModelToken | None],
    Setting[bool],
    dict[UUID, ModelTenant | None],
    int,
    dict[Key, ModelRequest],
]
NO_TOKEN: Setting[ModelToken | None] = Setting(None, None)
AS_API = Setting(now=False, after_commit=False)


@dataclass(eq=False)
class ModelSession:
    """Token and role follow SET and SET LOCAL; `own` holds the tenants changed by the open transaction alone.

    `trail` has the lines that these changes leave in the audit trail.
    `saved` has the state at BEGIN and at each savepoint. A failed transaction answers nothing but a rollback.
    `held` names the organisations in which the transaction may hold locks.
    `requests` has the idempotency keys that the transaction has used, which it holds, and what they stand for.
    """

    number: int
    token: Setting[ModelToken | None] = NO_TOKEN
    platform: Setting[bool] = AS_API
    own: dict[UUID, ModelTenant | None] = field(default_factory=dict)
    trail: list[ModelEvent] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)
    failed: bool = False
    held: set[UUID] = field(default_factory=set)
    requests: dict[Key, ModelRequest] = field(default_factory=dict)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed or not."""
        return bool(self.saved)

    @property
    def savepoints(self) -> int:
        """How many savepoints there are to return to."""
        return max(0, len(self.saved) - 1)

    @property
    def held_keys(self) -> set[Key]:
        """The idempotency keys that others must wait for: a failure lets go of those used since the last savepoint."""
        return set(self.saved[-1][-1] if self.failed else self.requests)

    def view(self, committed: Forest) -> Forest:
        """Return what is there for this connection, policies aside: what is committed, and its own changes."""
        return apply(committed, self.own)

    def save(self) -> None:
        """Begin, or set a savepoint."""
        self.saved.append((self.token, self.platform, dict(self.own), len(self.trail), dict(self.requests)))

    def write(self, before: Forest, after: Forest) -> None:
        """Remember what a statement has changed."""
        changed = changes(before, after)
        self.own.update(changed)
        self.trail += events(before, after)
        for tenant_id, tenant in changed.items():
            self.held.add(organization_of({tenant_id: tenant} if tenant else before, tenant_id))

    def roll_back_to(self, savepoint: int) -> None:
        """Return to a savepoint, which stays."""
        del self.saved[savepoint + 1 :]
        self.token, self.platform, own, length, requests = self.saved[savepoint]
        self.own, self.requests = dict(own), dict(requests)
        del self.trail[length:]
        self.failed = False

    def release(self, savepoint: int) -> None:
        """Forget a savepoint and those after it; what was done stays."""
        del self.saved[savepoint:]

    def commit(self, committed: Forest) -> Forest:
        """End the transaction; return what is committed then. To commit a failed one is to roll back."""
        if self.failed:
            self.roll_back()
            return committed
        after = self.view(committed)
        self.token, self.platform = self.token.committed(), self.platform.committed()
        self._end()
        return after

    def roll_back(self) -> None:
        """End the transaction without a trace."""
        self.roll_back_to(0)
        self._end()

    def _end(self) -> None:
        self.own, self.trail, self.saved, self.failed, self.held, self.requests = {}, [], [], False, set(), {}
