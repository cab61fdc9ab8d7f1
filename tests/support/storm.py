"""Many callers at once over few connections, while things break; every answer is judged as it arrives."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from time import monotonic

import asyncpg

from tests.support.channel import Channel
from tests.support.registry import Registry
from tests.support.storm_caller import StormCaller
from tests.support.storm_request import StormRequest, draw, draw_harmless
from tests.support.storm_tally import StormTally
from tests.support.wire_answer import WireAnswer

SHARE_ABANDONED = 0.08
LONGEST_BEFORE_LEAVING = 0.012
REQUESTS_BETWEEN_KILLS = (50, 200)
CLOCK_MARGIN = 0.1
LONG = 10_000
ENOUGH = 600
SHORT_SECONDS = 4.0
POOL_TIMEOUT = 4.0
UNSURE = frozenset({503, 504})
"""Who is told this may find his change done: a connection can die between the commit and its acknowledgement."""
KILL_ONE = """
    SELECT count(pg_terminate_backend(victim.pid)) FROM (
        SELECT pid FROM pg_stat_activity
        WHERE usename = 'tenancy_api' AND datname = current_database() ORDER BY random() LIMIT 1
    ) AS victim
"""


class Storm:
    """Drives callers through channels until enough requests are answered; the tally says what came of it."""

    def __init__(
        self, cast: list[StormCaller], registry: Registry, as_admin: asyncpg.Connection, announce: Callable[[str], None]
    ) -> None:
        self.tally = StormTally()
        self._cast = cast
        self._registry = registry
        self._as_admin = as_admin
        self._announce = announce
        self._chance = random.Random()
        self._ends_at = inf

    async def rage(self, channels: Sequence[Channel], requests: int) -> StormTally:
        """Let every channel serve one caller after the other; kill, revoke and expire meanwhile.

        A storm of a few thousand requests ends early on a slow machine, after SHORT_SECONDS and ENOUGH requests; a
        long one takes as long as it takes.
        """
        started = monotonic()
        self.tally.fate = channels[0].abandoned
        self._ends_at = started + (SHORT_SECONDS if requests < LONG else inf)
        trouble = [asyncio.create_task(self._kill()), asyncio.create_task(self._end_lives())]
        try:
            async with asyncio.TaskGroup() as group:
                for channel in channels:
                    group.create_task(self._drive(channel, requests))
                group.create_task(self._report(requests))
        finally:
            for task in trouble:
                task.cancel()
            await asyncio.gather(*trouble, *(channel.close() for channel in channels), return_exceptions=True)
        self._announce(f"{self.tally}; {self.tally.requests / (monotonic() - started):.0f} requests/s")
        return self.tally

    async def _drive(self, channel: Channel, requests: int) -> None:
        while self.tally.requests < (requests if monotonic() < self._ends_at else min(requests, ENOUGH)):
            caller = self._chance.choice(self._cast)
            if self._chance.random() < SHARE_ABANDONED:
                request = draw_harmless(self._chance, caller)
                self.tally.abandoned += 1
                after = self._chance.random() * LONGEST_BEFORE_LEAVING
                await channel.abandon(request.method, request.target, request.headers(caller), request.content, after)
                continue
            request = draw(self._chance, caller)
            began = monotonic()
            try:
                answer = await channel.ask(request.method, request.target, request.headers(caller), request.content)
            except (OSError, EOFError, TimeoutError) as error:
                self.tally.wrongs.append(f"{request.kind}: no answer, {error!r}")
                await channel.close()
                continue
            self._judge(caller, request, answer, began)

    def _judge(self, caller: StormCaller, request: StormRequest, answer: WireAnswer, began: float) -> None:
        now = monotonic()
        self.tally.statuses[answer.status] += 1
        self.tally.kinds[request.kind] += 1
        foreign = caller.foreign_marks(f"{answer.headers}{answer.body.decode()}")
        if foreign:
            self._wrong(caller, request, answer, f"tells about {foreign}")
        if answer.status in UNSURE and request.method == "DELETE":
            self.tally.perhaps_deleted.add(request.target.rpartition("/")[2])
        match answer.status:
            case 503:
                self.tally.waited_in_vain += now - began > POOL_TIMEOUT * 0.9
            case 401 if now < caller.alive_until:
                self._wrong(caller, request, answer, "refuses a live token")
            case 401:
                pass
            case _ if began > caller.dead_from:
                self._wrong(caller, request, answer, "accepts a dead token")
            case status if status not in request.expected:
                self._wrong(caller, request, answer, f"not {set(request.expected)}")
            case 200 | 201:
                self._judge_rows(caller, request, answer)
            case 204:
                self.tally.deleted.add(request.target.rpartition("/")[2])

    def _judge_rows(self, caller: StormCaller, request: StormRequest, answer: WireAnswer) -> None:
        document = answer.json()
        rows = document.get("items", [document])
        self.tally.rows_judged += len(rows)
        if not all(caller.may_see(row) for row in rows):
            self._wrong(caller, request, answer, "shows a row of another caller")
        if request.kind == "list" and str(caller.tenant_id) not in [row["tenant_id"] for row in rows]:
            self._wrong(caller, request, answer, "lacks the caller himself")
        if request.kind == "create" and "tenant_id" not in document:
            self._wrong(caller, request, answer, "is no tenant")
        elif request.kind == "create":
            self.tally.created.add(document["tenant_id"])
            if request.key is None:
                caller.made.append(document["tenant_id"])
        if request.method == "PUT" and document.get("metadata") != (request.body or {})["metadata"]:
            self._wrong(caller, request, answer, "is not what was written")

    def _wrong(self, caller: StormCaller, request: StormRequest, answer: WireAnswer, why: str) -> None:
        text = json.dumps(
            [caller.mark, str(caller.tenant_id), request.kind, request.target, answer.body.decode()[:500]]
        )
        self.tally.wrongs.append(f"{answer.status} {why}: {text}")

    async def _kill(self) -> None:
        next_at = 0
        while True:
            next_at += self._chance.randint(*REQUESTS_BETWEEN_KILLS)
            await self._reach(next_at)
            self.tally.kills += await self._as_admin.fetchval(KILL_ONE)

    async def _end_lives(self) -> None:
        while True:
            model = self._chance.choice(
                [caller for caller in self._cast if caller.tenant_id and caller.dead_from == inf]
            )
            assert model.organization_id is not None
            assert model.tenant_id is not None
            revoked, expiring = (replace(model, made=[]) for _ in range(2))
            revoked.token = await self._registry.issue_token(model.organization_id, model.tenant_id)
            expiring.alive_until = monotonic() + 0.4 - CLOCK_MARGIN
            expiring.token = await self._registry.issue_token(
                model.organization_id, model.tenant_id, timedelta(seconds=0.4)
            )
            expiring.dead_from = monotonic() + 0.4 + CLOCK_MARGIN
            self._cast += [revoked, expiring]
            await asyncio.sleep(self._chance.uniform(0.1, 0.4))
            revoked.alive_until = monotonic()
            await self._registry.revoke(revoked.token)
            revoked.dead_from = monotonic()
            await asyncio.sleep(0.6)
            self._cast[:] = [caller for caller in self._cast if caller not in (revoked, expiring)]
            self.tally.revocations += 2

    async def _report(self, requests: int) -> None:
        for milestone in range(LONG, requests, LONG):
            await self._reach(milestone)
            self._announce(str(self.tally))

    async def _reach(self, requests: int) -> None:
        while self.tally.requests < requests:  # noqa: ASYNC110 - a look now and then costs less than an event each
            await asyncio.sleep(0.01)
