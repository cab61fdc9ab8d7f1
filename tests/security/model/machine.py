"""The machine's base: the world it starts in, tokens that come and go, and what must hold after every step."""

from collections import Counter
from collections.abc import Awaitable, Callable

import asyncpg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.security.model.arena import Arena
from tests.security.model.draft import NUMBERS
from tests.security.model.forest import NEW, Forest, organization_of
from tests.security.model.judge import events_for, rows_for
from tests.security.model.model_caller import ModelCaller
from tests.security.model.model_session import ModelSession
from tests.security.model.model_token import ModelToken
from tests.security.model.planting import clear, issue, issue_for_operator, kill, plant
from tests.security.model.statements import LOOK, forest_of, look, look_at_events, look_at_requests
from tests.security.model.world import World, pick

LOCK_TIMEOUT = "55P03"
FORGET = "RESET ALL; RESET ROLE"
"""What DISCARD ALL does, but for the prepared statements, which the driver counts on."""


class Machine(RuleBasedStateMachine):
    """Keeps the model of the world beside the world; every rule changes both."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self.arena = arena
        self.world = World({}, [ModelSession(number) for number in range(len(arena.as_api))])
        arena.run(clear(arena.as_admin))

    def connection(self, session: ModelSession) -> asyncpg.Connection:
        """Return the connection that the session stands for."""
        return self.arena.as_api[session.number]

    @initialize(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3))
    def plant(self, sizes: list[int]) -> None:
        """Begin with some organisations, a token for each tenant, an operator, and tokens that are not valid."""
        admin, run = self.arena.as_admin, self.arena.run
        self.world = World(run(plant(admin, sizes)), self.world.sessions)
        tokens = [run(issue(admin, tenant_id, tenant)) for tenant_id, tenant in self.world.forest.items()]
        invalid = [ModelToken(str(tenant_id), None, dead=True) for tenant_id in self.world.born[:1]]
        self.world.tokens = [run(issue_for_operator(admin)), *tokens, *invalid, None]

    @rule(whose=NUMBERS, how=st.sampled_from(("issue", "expire", "revoke")))
    def change_tokens(self, whose: int, how: str) -> None:
        """Issue a token; expire or revoke one, often in the middle of a transaction, which then has no caller."""
        carried = [session.token.now for session in self.world.sessions if session.in_transaction]
        token = pick(carried, whose // 2) if carried and whose % 2 else self.world.pick_token(whose)
        if how == "issue":
            self._issue(whose)
        elif token and not token.dead:
            try:
                self.arena.run(kill(self.arena.as_admin, token, expire=how == "expire"))
            except asyncpg.LockNotAvailableError:
                assert token.holder in {tenant_id for session in self.world.sessions for tenant_id in session.own}

    def _issue(self, whose: int) -> None:
        if whose % 5 == 0 or not self.world.forest:
            self.world.tokens.append(self.arena.run(issue_for_operator(self.arena.as_admin)))
            return
        tenant_id = pick(list(self.world.forest), whose)
        try:
            token = self.arena.run(issue(self.arena.as_admin, tenant_id, self.world.forest[tenant_id]))
        except asyncpg.LockNotAvailableError:
            assert organization_of(self.world.forest, tenant_id) in self.world.held()
        else:
            self.world.tokens.append(token)

    @invariant()
    def every_caller_sees_what_the_judge_says(self) -> None:
        """Every connection sees its caller's reach, of tenants and events; the superuser sees what was committed."""
        self.arena.steps += 1
        self.arena.run(self._compare_views())

    async def _compare_views(self) -> None:
        assert await look(self.arena.as_admin) == self.world.forest
        assert await look_at_events(self.arena.as_admin) == Counter(self.world.trail)
        remembered = {key: request.answer for key, request in self.world.remembered.items()}
        assert await look_at_requests(self.arena.as_admin) == remembered
        for session in self.world.sessions:
            if session.failed:
                continue
            caller, view = self.world.caller(session), session.view(self.world.forest)
            seen = await self._seen(session, caller, look)
            assert (seen or {}) == rows_for(view, caller), (session.number, caller, seen)
            trail = await self._seen(session, caller, look_at_events)
            assert (trail or {}) == events_for([*self.world.trail, *session.trail], caller), (
                session.number,
                caller,
                trail,
            )

    async def _seen[T](
        self, session: ModelSession, caller: ModelCaller, looks: Callable[[asyncpg.Connection], Awaitable[T]]
    ) -> T | None:
        """Return what the connection sees; with a bad token it looks inside a savepoint, since it may be an error."""
        connection = self.connection(session)
        if not caller.bad_token:
            return await looks(connection)
        if session.in_transaction:
            await connection.execute("SAVEPOINT look")
        try:
            return await looks(connection)
        except asyncpg.InvalidAuthorizationSpecificationError:
            return None
        finally:
            if session.in_transaction:
                await connection.execute("ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look")

    def name_the_new(self, session: ModelSession, after: Forest) -> Forest:
        """Replace the model's placeholder by the id of the tenant that the session has just inserted."""
        if NEW not in after:
            return after
        rows = self.arena.run(self.connection(session).fetch(f"{LOOK} WHERE tenant.name = $1", after[NEW].name))
        (born,) = set(forest_of(rows)) - set(self.world.born)
        self.world.born.append(born)
        return {born if tenant_id == NEW else tenant_id: tenant for tenant_id, tenant in after.items()}

    def note(self, caller: ModelCaller, what: str, outcome: str | int | None) -> None:
        """Count what came of a step, so that a test can check which outcomes the machine has seen."""
        self.arena.outcomes[f"{caller.kind}, {what}: {outcome}"] += 1

    def teardown(self) -> None:
        """End all transactions and forget what the connections carried."""
        for session in self.world.sessions:
            if session.in_transaction:
                self.arena.run(self.connection(session).execute("ROLLBACK"))
            self.arena.run(self.connection(session).execute(FORGET))
