"""Hidden ids against absent ids, over HTTP: nothing that an attacker reads or measures differs."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import URL

from tests.support.attack import sees_nothing
from tests.support.hidden_world import HiddenWorld, hidden_world
from tests.support.timing import Classifier
from tests.support.wire import Wire
from tests.support.wire_answer import WireAnswer

GROUP = "side channels"

HIDDEN_IDS = {"part": 20, "short": 40, "long": 10_000}
WARM_UP = 100

REPLACEMENT = {"name": "Mine now", "metadata": {"stolen": True}}
OWN_VERSION = {"If-Match": '"1"'}
OTHER_VERSION = {"If-Match": '"7"'}

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "GET": ("GET", "", {}),
    "GET, If-None-Match its version": ("GET", "", {"headers": {"If-None-Match": '"1"'}}),
    "PUT": ("PUT", "", {"json_body": REPLACEMENT}),
    "PUT, If-Match its version": ("PUT", "", {"json_body": REPLACEMENT, "headers": OWN_VERSION}),
    "DELETE": ("DELETE", "", {}),
    "DELETE, If-Match another version": ("DELETE", "", {"headers": OTHER_VERSION}),
    "DELETE, cascade": ("DELETE", "?cascade=true", {}),
    "POST under it": ("POST", "", {}),
}

CERTAIN = 1e-9
"""The level of significance; a run tests eight requests."""

CARELESS_POLICY = """
    ALTER POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants
    USING (
        CASE WHEN (SELECT count(*) FROM generate_series(1, 30000) AS other WHERE tenant_id IS NOT NULL) > 0
        THEN tenant_id = tenancy.current_tenant_id() OR parent_tenant_id = tenancy.current_tenant_id()
        END
    )
"""
"""A policy as in many tutorials: correct in its result, but its function runs only when a row is found."""

Timings = dict[str, list[tuple[float, float]]]


def ask(wire: Wire, world: HiddenWorld, request: str, tenant_id: UUID) -> tuple[WireAnswer, float]:
    """Send the request about this id; return the answer and how long it took."""
    method, query, contents = REQUESTS[request]
    target = f"/tenants/{tenant_id}{query}"
    if method == "POST":
        target = "/tenants"
        contents = {"json_body": {"name": "Foot", "tenant_type": "subsidiary", "parent_tenant_id": str(tenant_id)}}
    started = perf_counter()
    answer = wire.ask(method, target, world.caller.parent, **contents)
    return answer, perf_counter() - started


def compare(world: HiddenWorld, requests: list[str], announce: Callable[[str], None]) -> tuple[Timings, list[str]]:
    """Ask everything about every pair over one connection, which goes first drawn by lot; collect what differs."""
    chance = random.Random()
    timings: Timings = defaultdict(list)
    differences = []
    pairs = world.pairs(chance)
    with Wire(world.service.port) as wire:
        for request in requests * (WARM_UP // len(requests)):
            ask(wire, world, request, UUID(int=chance.getrandbits(128)))
        for n, (hidden, absent) in enumerate(pairs, 1):
            for request in chance.sample(requests, len(requests)):
                measured = {key: ask(wire, world, request, key) for key in chance.sample((hidden, absent), 2)}
                (of_hidden, hidden_took), (of_absent, absent_took) = measured[hidden], measured[absent]
                timings[request].append((hidden_took, absent_took))
                if of_hidden.observable != of_absent.observable or of_hidden.status not in {403, 404}:
                    differences.append(f"{request} {hidden}: {of_hidden} but {absent}: {of_absent}")
            if n % 1_000 == 0:
                aucs = sorted(Classifier(timed).auc for timed in timings.values())
                announce(
                    f"{n} of {len(pairs)} hidden ids compared, {len(differences)} differences,"
                    f" AUC {aucs[0]:.3f} to {aucs[-1]:.3f}"
                )
    return timings, differences


@pytest.mark.exhaustive
@sees_nothing(GROUP)
async def test_hidden_ids_answer_like_absent_ids(
    server_url: URL,
    attack_profile: str,
    announce: Callable[[str], None],
    record_property: Callable[[str, str], None],
) -> None:
    """The attacker tries ids by the thousand, with every verb, hoping that the taken ones stand out or take longer."""
    async with hidden_world(server_url, HIDDEN_IDS[attack_profile]) as world:
        before = await world.as_admin.fetch("SELECT tenant FROM tenancy.tenants AS tenant ORDER BY tenant_id")
        started = perf_counter()
        timings, differences = await asyncio.to_thread(compare, world, list(REQUESTS), announce)
        seconds = perf_counter() - started
        after = await world.as_admin.fetch("SELECT tenant FROM tenancy.tenants AS tenant ORDER BY tenant_id")

    for request in REQUESTS:
        differ = sum(difference.startswith(f"{request} ") for difference in differences)
        classifier = Classifier(timings[request])
        record_property(f"hidden ids, {request}", f"{classifier}; {differ} pairs answered differently")
    assert differences == []
    assert after == before
    announce(f"{len(before)} tenants, {sum(map(len, timings.values())) * 2 / seconds:.0f} requests/s one by one")
    for request, pairs in timings.items():
        classifier = Classifier(pairs)
        announce(f"{request:34} {classifier}")
        assert classifier.chance_of_so_much > CERTAIN, f"{request}: hidden ids are told by time, AUC {classifier.auc}"
        if attack_profile == "long":
            assert 0.45 < classifier.auc < 0.55, f"{request}: AUC {classifier.auc}"


@pytest.mark.exhaustive
async def test_the_classifier_finds_a_leak_where_there_is_one(
    server_url: URL, announce: Callable[[str], None], record_property: Callable[[str, str], None]
) -> None:
    """Under a policy that works longer for a hidden row, the same measurement is certain: it can fail."""
    async with hidden_world(server_url, 300, once_served=(CARELESS_POLICY,)) as world:
        timings, differences = await asyncio.to_thread(compare, world, ["GET"], announce)

    classifier = Classifier(timings["GET"])
    announce(f"careless policy: {classifier}")
    record_property("hidden ids under a careless policy, GET", str(classifier))
    assert differences == [], "the careless policy differs in time only"
    assert classifier.auc > 0.5
    assert classifier.chance_of_so_much < CERTAIN


@pytest.mark.parametrize("slower_by", [0.0, 1.0])
def test_the_statistics_tell_noise_from_a_leak(slower_by: float) -> None:
    """Noise that drifts over three orders of magnitude is not taken for a leak; a shift in every pair is."""
    chance = random.Random(2025)
    drift = [10 ** (n / 100) for n in range(300)]
    pairs = [(chance.gauss(base + slower_by, 0.5), chance.gauss(base, 0.5)) for base in drift]
    classifier = Classifier(pairs)
    combinations = sum((hidden > absent) + 0.5 * (hidden == absent) for hidden, _ in pairs for _, absent in pairs)

    assert classifier.auc == pytest.approx(combinations / len(pairs) ** 2)
    assert (classifier.chance_of_so_much < CERTAIN) == bool(slower_by)
