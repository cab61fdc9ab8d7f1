"""What the machine does with Idempotency-Keys: over HTTP, and by their functions in transactions of its own."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.security.model.connection_machine import IN_FAILED_TRANSACTION, SESSIONS
from tests.security.model.draft import DRAFTS, NUMBERS, Draft
from tests.security.model.judge import INVALID_TOKEN
from tests.security.model.key_judge import KeyVerdict, judge_key, key_owner
from tests.security.model.keyed_creation import create_under_key
from tests.security.model.machine import LOCK_TIMEOUT
from tests.security.model.messages import over_http
from tests.security.model.model_request import ModelRequest
from tests.security.model.model_session import ModelSession
from tests.security.model.service_machine import ServiceMachine
from tests.security.model.statements import begin_request, finish_request
from tests.security.model.verb import Verb
from tests.security.model.world import pick

KEYS = ("key-1", "key-2", "key-3")
"""Few keys, so that all callers use the same ones."""
USES = st.tuples(st.sampled_from(KEYS), st.integers(0, 1), NUMBERS)


class KeyMachine(ServiceMachine):
    """A key refers to its owner's requests only; a caller waits for a key that an open transaction has used."""

    @rule(creations=st.lists(st.tuples(NUMBERS, DRAFTS, NUMBERS), min_size=1, max_size=4))
    def create_under_keys(self, creations: list[tuple[int, Draft, int]]) -> None:
        """Create under a key; repeat an earlier request, as the same caller, as another, or with another body."""
        for whose, draft, how in creations:
            self.every_caller_sees_what_the_judge_says()
            world = self.world
            token = world.pick_token(whose)
            view = world.forest
            wanted = draft._replace(verb=Verb.INSERT).resolve(world, view, world.client(token).tenant_id)
            action, key = over_http(wanted, view), pick(KEYS, how // 4)
            if world.posts and how % 4:
                sender, sent, used = pick(world.posts, draft.target)
                token = sender if how % 4 < 3 else token
                action, key = sent if how % 2 else action, used
            world.posts.append((token, action, key))
            caller = world.client(token)
            self.note(caller, *self.arena.run(create_under_key(self.arena, world, token, action, key)).split(": "))

    @rule(number=SESSIONS, whose=NUMBERS, uses=st.lists(USES, min_size=1, max_size=3), how=NUMBERS)
    def remember(self, number: int, whose: int, uses: list[tuple[str, int, int]], how: int) -> None:
        """Begin and finish requests as the service does, in a transaction that others may have to wait for."""
        session = self.world.sessions[number]
        if session.failed:
            assert self.execute(session, "ROLLBACK") is None
            session.roll_back()
        if not session.in_transaction:
            self._begin_or_save(session)
        if how % 4:
            self._present(session, self.world.pick_token(whose), "local")
        for key, asked, what in uses:
            self.every_caller_sees_what_the_judge_says()
            if what % 5:
                self._begin_request(session, key, asked)
            if what % 3:
                self._finish_request(session, key, f"answer {self.world.next_write()}")
        if how % 3 == 0:
            self._end(session, how // 3)

    def _begin_request(self, session: ModelSession, text: str, asked: int) -> None:
        owner = key_owner(session.view(self.world.forest), session.token.now)
        observed = self.arena.run(begin_request(self.connection(session), text, f"request {asked}"))
        story = (session, owner, text, asked, observed)
        if refusal := self._refusal_without(owner, session):
            assert observed == refusal, story
            outcome = refusal
        elif (owner, text) in self.world.held_keys(but_by=session):
            assert observed == LOCK_TIMEOUT, story
            outcome = LOCK_TIMEOUT
        else:
            assert owner is not None
            request = ModelRequest(("in SQL", asked))
            known = self.world.remembered_by(session)
            outcome = verdict = judge_key(known, (owner, text), request.asked)
            stands = known.get((owner, text), request)
            assert observed == (verdict is KeyVerdict.NEW, verdict is not KeyVerdict.OTHER, stands.answer), story
            self.world.remember(session, (owner, text), stands)
        self._after(session, "begin", outcome, refused=isinstance(observed, str))

    def _finish_request(self, session: ModelSession, text: str, answer: str) -> None:
        owner = key_owner(session.view(self.world.forest), session.token.now)
        observed = self.arena.run(finish_request(self.connection(session), text, answer))
        story = (session, owner, text, observed)
        outcome = observed or "nothing"
        if refusal := self._refusal_without(owner, session):
            # Without a row the database does not verify the token.
            assert observed == refusal or (observed is None and not session.failed), story
        elif owner is not None and (stands := self.world.remembered_by(session).get((owner, text))):
            held = stands.answer is None and (owner, text) in self.world.held_keys(but_by=session)
            assert observed == (LOCK_TIMEOUT if held else None), story
            if stands.answer is None and not held:
                outcome = "done"
                self.world.remember(session, (owner, text), stands._replace(answer=answer))
        else:
            assert observed is None, story
        self._after(session, "finish", outcome, refused=observed is not None)

    def _refusal_without(self, owner: object, session: ModelSession) -> str | None:
        return IN_FAILED_TRANSACTION if session.failed else INVALID_TOKEN if owner is None else None

    def _after(self, session: ModelSession, what: str, outcome: str, *, refused: bool) -> None:
        self.note(self.world.caller(session), what, outcome)
        session.failed = session.in_transaction and (session.failed or refused)
