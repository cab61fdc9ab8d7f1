"""A random machine over connections, transactions, savepoints, pools and HTTP: the judge is right after every step."""

import time
from collections.abc import Callable
from functools import partial

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.security.model.arena import Arena
from tests.security.model.key_machine import KeyMachine
from tests.security.model.profile import PROFILES

EVERYWHERE = (
    "platform operator, DELETE: 23503",
    "platform operator, HTTP DELETE: 204",
    "platform operator, HTTP DELETE: 409",
    "parent, MERGE: 42501",
    "parent, UPDATE: 55P03",
    "parent, HTTP INSERT: 201",
    "parent, HTTP INSERT: 409",
    "parent, HTTP UPDATE: 412",
    "parent, HTTP DELETE: 204",
    "parent, HTTP DELETE: 403",
    "subsidiary, HTTP UPDATE: 200",
    "subsidiary, HTTP UPDATE: 404",
    "unauthenticated, SELECT: 28000",
    "unauthenticated, UPDATE: 28000",
    "unauthenticated, UPDATE: none",
    "unauthenticated, DELETE: none",
    "platform operator, SELECT: some",
    "platform operator, INSERT: some",
    "platform operator, UPDATE: some",
    "platform operator, DELETE: some",
    "platform operator, MERGE: some",
    "platform operator, GET all: 200",
    "parent, SELECT: some",
    "parent, SELECT: none",
    "parent, INSERT: some",
    "parent, INSERT: 42501",
    "parent, UPDATE: some",
    "parent, UPDATE: none",
    "parent, DELETE: some",
    "parent, DELETE: none",
    "parent, MERGE: some",
    "parent, GET all: 200",
    "subsidiary, SELECT: some",
    "subsidiary, SELECT: none",
    "subsidiary, INSERT: 42501",
    "subsidiary, UPDATE: some",
    "subsidiary, UPDATE: none",
    "subsidiary, DELETE: none",
    "subsidiary, GET all: 200",
    "unauthenticated, SELECT: none",
    "unauthenticated, INSERT: 42501",
    "unauthenticated, GET all: 401",
    "parent, HTTP INSERT: 403",
    "platform operator, HTTP SELECT: 200",
    "platform operator, key new: 201",
    "platform operator, key same: 201",
    "platform operator, key other: 422",
    "platform operator, key held: 409",
    "parent, key new: 201",
    "parent, key new: 403",
    "parent, key same: 201",
    "parent, key other: 422",
    "parent, key held: 409",
    "subsidiary, key new: 403",
    "unauthenticated, no key: 401",
    "parent, begin: new",
    "parent, begin: same",
    "parent, begin: other",
    "parent, begin: 55P03",
    "parent, finish: done",
    "parent, finish: nothing",
    "subsidiary, begin: new",
    "subsidiary, begin: same",
    "subsidiary, begin: other",
    "unauthenticated, begin: 28000",
)
"""The outcomes that a long run must have seen: a machine that misses some proves less."""

MOST_RUNS = 4
"""A long run is repeated while outcomes are missed: some are rare, and the machine chooses at random."""


def test_the_world_stays_what_the_judge_says(
    arena: Arena, attack_profile: str, announce: Callable[[str], None], record_property: Callable[[str, str], None]
) -> None:
    """After every step, what each connection and the superuser see, and each answer, is what the judge says."""
    arena.outcomes.clear()
    profile, begin, steps = PROFILES[attack_profile], time.monotonic(), arena.steps
    missed: list[str] = []
    for _ in range(MOST_RUNS if attack_profile == "long" else 1):
        run_state_machine_as_test(
            partial(KeyMachine, arena),  # type: ignore[arg-type]  # any factory will do
            settings=settings(
                max_examples=profile.examples,
                stateful_step_count=profile.steps,
                derandomize=profile.repeatable,
                database=None,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),  # shrinking takes minutes; the failure's message lists the steps
            ),
        )
        missed = [place for place in EVERYWHERE if not arena.outcomes[place]]
        if not missed:
            break
    taken, seconds = arena.steps - steps, time.monotonic() - begin
    announce(f"machine: {taken} steps in {seconds:.1f} s, {taken / seconds:.0f} a second")
    record_property(
        "the model's machine",
        f"{taken:,} steps, after each of which every caller's view is compared; {arena.outcomes.total():,} statements"
        f" and requests judged, with {len(arena.outcomes)} different ends for the four kinds of caller",
    )
    assert taken >= profile.least_steps
    if attack_profile == "long":
        assert missed == [], "the machine has missed outcomes"
