"""Everything the machine knows: what is committed, who holds which token, and what each connection is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.security.model.action import Action
from tests.security.model.forest import Forest, events, organization_of
from tests.security.model.judge import recognize, visible
from tests.security.model.kind import Kind
from tests.security.model.model_caller import ModelCaller
from tests.security.model.model_event import ModelEvent
from tests.security.model.model_request import Key, ModelRequest
from tests.security.model.model_session import ModelSession
from tests.security.model.model_token import ModelToken


@dataclass
class World:
    """`born` lists every id there ever was, oldest first; `trail` is the audit trail of what is committed.

    `remembered` has the committed idempotency keys, `answers` what the service first answered under them, and `posts`
    every creation that was sent with a key.
    """

    forest: Forest
    sessions: list[ModelSession]
    tokens: list[ModelToken | None] = field(default_factory=list)
    born: list[UUID] = field(default_factory=list)
    trail: list[ModelEvent] = field(default_factory=list)
    remembered: dict[Key, ModelRequest] = field(default_factory=dict)
    answers: dict[Key, object] = field(default_factory=dict)
    posts: list[tuple[ModelToken | None, Action, str]] = field(default_factory=list)
    writes: int = 0

    def __post_init__(self) -> None:
        self.born = list(self.forest)
        self.trail = events({}, self.forest)

    def write(self, after: Forest) -> None:
        """Commit what a single statement has made of the forest."""
        self.trail += events(self.forest, after)
        self.forest = after

    def commit(self, session: ModelSession) -> None:
        """Commit what a session has done in its transaction."""
        trail, requests = ([], {}) if session.failed else (session.trail, session.requests)
        self.forest = session.commit(self.forest)
        self.trail += trail
        self.remembered |= requests

    def caller(self, session: ModelSession) -> ModelCaller:
        """Say who would run the session's next statement."""
        view = session.view(self.forest)
        return recognize(view, session.token.now, as_platform=session.platform.now)

    def client(self, token: ModelToken | None) -> ModelCaller:
        """Return the caller of the service with this token: it switches the role for a platform operator by itself."""
        return recognize(self.forest, token, as_platform=token is not None and token.holder == "operator")

    def pick_token(self, number: int) -> ModelToken | None:
        """Choose a token by any number: an operator's, a head's, a subsidiary's, or whichever, dead ones included."""
        kinds = (Kind.OPERATOR, Kind.PARENT, Kind.PARENT, Kind.SUBSIDIARY)
        tokens = [t for t in self.tokens if number % 5 == 4 or self.client(t).kind is kinds[number % 5]]
        return pick(tokens or self.tokens, number // 5)

    def may_wait(self, caller: ModelCaller, view: Forest, session: ModelSession | None = None) -> bool:
        """Say whether another transaction has written in an organisation that the caller reaches.

        Only there may it have to wait: a wait for a stranger's transaction would tell it about the stranger.
        """
        mine = {organization_of(view, tenant_id) for tenant_id in visible(view, caller)}
        return bool(mine & self.held(but_by=session))

    def held(self, but_by: ModelSession | None = None) -> set[UUID]:
        """Return the organisations in which open transactions have written."""
        return set[UUID]().union(*(session.held for session in self.sessions if session is not but_by))

    def held_keys(self, but_by: ModelSession | None = None) -> set[Key]:
        """Return the idempotency keys that open transactions have used."""
        return set[Key]().union(*(session.held_keys for session in self.sessions if session is not but_by))

    def remembered_by(self, session: ModelSession) -> Mapping[Key, ModelRequest]:
        """Return the idempotency keys that are there for this connection, whosever they are."""
        return {**self.remembered, **session.requests}

    def remember(self, session: ModelSession, key: Key, request: ModelRequest) -> None:
        """Have the key stand for the request, from the commit of an open transaction on."""
        (session.requests if session.in_transaction else self.remembered)[key] = request

    def next_write(self) -> int:
        """Return a number that no write has used yet."""
        self.writes += 1
        return self.writes


def pick[T](things: Sequence[T], number: int) -> T:
    """Choose a thing by any number, so that a choice stays a choice while Hypothesis shrinks the world."""
    return things[number % len(things)]
