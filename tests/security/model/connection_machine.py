"""The machine's own connections as tenancy_api: statements that an attacker with SQL might run."""

import asyncpg
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.security.model.draft import DRAFTS, NUMBERS, Draft
from tests.security.model.judge import INVALID_TOKEN, NOT_PERMITTED, judge, rows_for
from tests.security.model.kind import Kind
from tests.security.model.machine import FORGET, LOCK_TIMEOUT, Machine
from tests.security.model.model_session import ModelSession
from tests.security.model.model_token import ModelToken
from tests.security.model.observation import Observation
from tests.security.model.statements import perform
from tests.security.model.verb import Verb
from tests.security.model.world import pick

IN_FAILED_TRANSACTION = "25P02"
WAYS_TO_PRESENT = ("sign in", "local", "local", "session")
SESSIONS = st.integers(0, 2)


class ConnectionMachine(Machine):
    """Transactions of several connections are open at once, and each connection serves many callers in turn."""

    def execute(self, session: ModelSession, statement: str, *parameters: object) -> str | None:
        """Run a statement that returns nothing; return the SQLSTATE of its refusal, which fails the transaction."""
        try:
            self.arena.run(self.connection(session).execute(statement, *parameters))
        except asyncpg.PostgresError as refusal:
            session.failed = session.in_transaction
            error: str = refusal.sqlstate
            return error
        return None

    @rule(number=SESSIONS, how=NUMBERS, which=NUMBERS)
    def move(self, number: int, how: int, which: int) -> None:
        """Begin, commit, roll back; set a savepoint, return to it, release it; or forget what the session carries."""
        session = self.world.sessions[number]
        if session.savepoints and how % 3 == 0:
            self._return_to_savepoint(session, 1 + which % session.savepoints, release=how % 2 == 0)
        elif how % 3 == 1:
            self._end(session, which)
        else:
            self._begin_or_save(session)

    def _begin_or_save(self, session: ModelSession) -> None:
        if session.failed:
            assert self.execute(session, "SAVEPOINT again") == IN_FAILED_TRANSACTION
            return
        statement = f"SAVEPOINT s{len(session.saved)}" if session.in_transaction else "BEGIN"
        assert self.execute(session, statement) is None
        session.save()

    def _return_to_savepoint(self, session: ModelSession, savepoint: int, *, release: bool) -> None:
        if release and not session.failed:
            assert self.execute(session, f"RELEASE SAVEPOINT s{savepoint}") is None
            session.release(savepoint)
        else:
            assert self.execute(session, f"ROLLBACK TO SAVEPOINT s{savepoint}") is None
            session.roll_back_to(savepoint)

    def _end(self, session: ModelSession, how: int) -> None:
        if not session.in_transaction:
            assert self.execute(session, FORGET) is None
            self.world.sessions[session.number] = ModelSession(session.number)
        elif how % 3:
            assert self.execute(session, "COMMIT") is None
            self.world.commit(session)
        else:
            assert self.execute(session, "ROLLBACK") is None
            session.roll_back()

    @rule(number=SESSIONS, whose=NUMBERS, drafts=st.lists(DRAFTS, min_size=1, max_size=4), ending=NUMBERS)
    def serve(self, number: int, whose: int, drafts: list[Draft], ending: int) -> None:
        """Serve the next caller on a connection that others have used, as a pool does; leave some of them open."""
        session = self.world.sessions[number]
        if session.in_transaction:
            assert self.execute(session, "ROLLBACK") is None
            session.roll_back()
        token = self.world.pick_token(whose)
        self._begin_or_save(session)
        self._sign_in(session, token)
        if token and token.holder == "operator" and not session.failed:
            assert self.execute(session, "SET LOCAL ROLE tenancy_platform") is None
            session.platform = session.platform.set(True, local=True)
        for draft in drafts:
            if not session.failed:
                self.every_caller_sees_what_the_judge_says()
                self._act(session, draft)
        if ending % 3:
            self.every_caller_sees_what_the_judge_says()
            self._end(session, ending)

    @rule(number=SESSIONS, drafts=st.lists(DRAFTS, min_size=1, max_size=2), whose=NUMBERS, how=NUMBERS)
    def go_on(self, number: int, drafts: list[Draft], whose: int, how: int) -> None:
        """Run statements wherever a connection stands; now and then with another token or in another role."""
        session = self.world.sessions[number]
        if how % 2 and not session.failed:
            self._present(session, self._pick_rival(session, whose), pick(WAYS_TO_PRESENT, whose))
        if how % 3 == 0 and not session.failed:
            self._switch_role(session, platform=how % 4 < 2, local=how % 5 > 0)
        for draft in drafts:
            self.every_caller_sees_what_the_judge_says()
            self._act(session, draft)

    def _pick_rival(self, session: ModelSession, number: int) -> ModelToken | None:
        """Choose a token, often of an organisation in which another transaction has written, so that it may wait."""
        held = self.world.held(but_by=session)
        rivals = [token for token in self.world.tokens if token and not token.dead and token.holder in held]
        return pick(rivals, number // 2) if rivals and number % 2 else self.world.pick_token(number)

    def _present(self, session: ModelSession, token: ModelToken | None, how: str) -> None:
        if how == "sign in":
            self._sign_in(session, token)
            return
        local = how == "local"
        statement = "SELECT set_config('app.current_tenant', $1, $2)"
        assert self.execute(session, statement, token.secret if token else "", local) is None
        if session.in_transaction or not local:
            session.token = session.token.set(token, local=local)

    def _switch_role(self, session: ModelSession, *, platform: bool, local: bool) -> None:
        local = local and session.in_transaction
        role = "tenancy_platform" if platform else "NONE"
        assert self.execute(session, f"SET {'LOCAL ' if local else ''}ROLE {role}") is None
        session.platform = session.platform.set(platform, local=local)

    def _sign_in(self, session: ModelSession, token: ModelToken | None) -> None:
        before = session.token
        session.token = before.set(token, local=True)
        known = self.world.caller(session).kind is not Kind.UNAUTHENTICATED or (
            token is not None and self._lives(session, token)
        )
        error = self.execute(session, "SELECT tenancy.sign_in($1)", token.secret if token else "")
        if session.platform.now:
            assert error == NOT_PERMITTED
        else:
            assert error == (None if known else INVALID_TOKEN)
        if error or not session.in_transaction:
            session.token = before

    def _lives(self, session: ModelSession, token: ModelToken) -> bool:
        return not token.dead and (token.holder == "operator" or token.holder in session.view(self.world.forest))

    def _act(self, session: ModelSession, draft: Draft) -> None:
        caller, before = self.world.caller(session), session.view(self.world.forest)
        action = draft.resolve(self.world, before, caller.tenant_id)
        verdict = judge(before, caller, action)
        observed: Observation = self.arena.run(perform(self.connection(session), action))
        was_failed, session.failed = session.failed, session.in_transaction and observed.error is not None
        self.note(caller, action.verb, observed.error or ("some" if observed.count else "none"))

        story = (session, caller, action, verdict, observed)
        if was_failed:
            assert observed.error == IN_FAILED_TRANSACTION, story
        elif observed.error == LOCK_TIMEOUT:
            assert action.writes, story
            assert self.world.may_wait(caller, before, session), story
        else:
            assert observed.fits(verdict), story
            if action.verb is Verb.SELECT and observed.error is None:
                assert observed.rows == rows_for(before, caller, action), story
            elif observed.error is None:
                after = self.name_the_new(session, verdict.forest)
                if session.in_transaction:
                    session.write(before, after)
                else:
                    self.world.write(after)
