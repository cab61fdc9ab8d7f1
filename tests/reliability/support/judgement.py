"""What the database holds, against what the clients were promised."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.reliability.support.load import Load, Worker
from tests.reliability.support.recorder import Write
from tests.reliability.support.writer import Writer
from tests.support.test_database import TestDatabase

EVENTS = """
    SELECT event_type::text,
           coalesce(new_values, old_values) ->> 'name' AS name,
           (new_values -> 'metadata' ->> 'number')::integer AS number
    FROM tenancy.tenant_events
"""
HALF_DONE = """
    SELECT format('%s exists without an event that created it', tenant.name)
    FROM tenancy.tenants AS tenant
    WHERE NOT EXISTS (
        SELECT FROM tenancy.tenant_events AS event
        WHERE event.organization_id = tenant.organization_id
          AND event.tenant_id = tenant.tenant_id
          AND event.event_type = 'created'
    )
    UNION ALL
    SELECT format('%s has version %s after %s changes', tenant.name, tenant.version, count(event.*))
    FROM tenancy.tenants AS tenant
    LEFT JOIN tenancy.tenant_events AS event
        ON event.organization_id = tenant.organization_id
        AND event.tenant_id = tenant.tenant_id
        AND event.event_type = 'updated'
    GROUP BY tenant.tenant_id, tenant.name, tenant.version
    HAVING tenant.version <> 1 + count(event.*)
    UNION ALL
    SELECT format('%s was created, never deleted, and is not there', event.new_values ->> 'name')
    FROM tenancy.tenant_events AS event
    WHERE event.event_type = 'created'
      AND NOT EXISTS (
          SELECT FROM tenancy.tenants AS tenant
          WHERE tenant.organization_id = event.organization_id AND tenant.tenant_id = event.tenant_id
      )
      AND NOT EXISTS (
          SELECT FROM tenancy.tenant_events AS later
          WHERE later.organization_id = event.organization_id
            AND later.tenant_id = event.tenant_id
            AND later.event_type = 'deleted'
      )
    UNION ALL
    SELECT format('%s is there, and was deleted', tenant.name)
    FROM tenancy.tenants AS tenant
    JOIN tenancy.tenant_events AS event
        ON event.organization_id = tenant.organization_id
        AND event.tenant_id = tenant.tenant_id
        AND event.event_type = 'deleted'
    UNION ALL
    SELECT format('the key %s was claimed, and its answer never remembered', request.idempotency_key)
    FROM tenancy_private.idempotency_keys AS request
    WHERE request.answer IS NULL
"""
PREFIX = re.compile(r"\w+ \w+ (?:branch|bank) ")
"""Whose tenant it is, by its name: that of a writer or an operator client."""

TENANTS = "SELECT name, (metadata ->> 'number')::integer AS number FROM tenancy.tenants"


@dataclass(frozen=True)
class Judgement:
    """Writes acknowledged to a client, how many of them the database holds, and whatever is wrong."""

    acknowledged: int
    found: int
    repeated: int
    """Writes that happened more than once."""
    complaints: list[str]


async def judge(database: TestDatabase, load: Load, *, may_lose: bool = False) -> Judgement:
    """Compare the audit trail and the tenants with what each client was told. Call it when the load has stopped.

    With `may_lose`, a lost write of a client that only creates is counted and is no complaint.
    """
    connection = await database.connect_as_admin()
    try:
        events = Counter((row["event_type"], row["name"], row["number"]) for row in await connection.fetch(EVENTS))
        tenants = {row["name"]: row["number"] for row in await connection.fetch(TENANTS)}
        half_done = [row[0] for row in await connection.fetch(HALF_DONE)]
    finally:
        await connection.close()
    events_of, branches_of = _by_owner(events, lambda write: write[1]), _by_owner(tenants, lambda name: name)
    complaints = [*load.history.complaints, *half_done]
    for worker in load.workers:
        complaints += _broken_promises(worker, events_of[worker.prefix], may_lose=may_lose)
        if isinstance(worker, Writer):
            complaints += _differences(worker, branches_of[worker.prefix])
    acknowledged: set[Write] = set().union(*(worker.recorder.acknowledged for worker in load.workers))
    repeated = sum(times > 1 for worker in load.workers for times in events_of[worker.prefix].values())
    return Judgement(len(acknowledged), len(acknowledged & events.keys()), repeated, complaints)


def _by_owner[Key](counted: Mapping[Key, int], name_of: Callable[[Key], str]) -> defaultdict[str, dict[Key, int]]:
    found: defaultdict[str, dict[Key, int]] = defaultdict(dict)
    for key, number in counted.items():
        if prefix := PREFIX.match(name_of(key)):
            found[prefix[0]][key] = number
    return found


def _broken_promises(worker: Worker, happened: dict[Write, int], *, may_lose: bool) -> list[str]:
    recorder = worker.recorder
    lost = set() if may_lose else recorder.acknowledged - happened.keys()
    complaints = [f"{write} was acknowledged and is lost" for write in lost]
    complaints += [f"{write} happened {times} times" for write, times in happened.items() if times > 1]
    complaints += [f"{write} happened, unasked" for write in happened.keys() - recorder.acknowledged - recorder.unknown]
    half = happened.keys() & recorder.unknown
    if half and half != recorder.unknown:
        complaints.append(f"of {set(recorder.unknown)} only {half} happened")
    return complaints


def _differences(writer: Writer, found: dict[str, int]) -> list[str]:
    """Tell where a bank's branches are not as its only client left them; its last write may have happened or not."""
    expected = {name: number for name, (_, number, _) in writer.branches.items()}
    if found == expected or found == _with_the_unknown(writer, expected):
        return []
    return [f"{writer.prefix}* should have {expected}, but has {found}; unknown: {set(writer.recorder.unknown)}"]


def _with_the_unknown(writer: Writer, expected: dict[str, int]) -> dict[str, int]:
    for event_type, name, number in writer.recorder.unknown:
        if event_type == "deleted":
            return {other: n for other, n in expected.items() if other != name}
        return expected | {name: number or 0}
    return expected
