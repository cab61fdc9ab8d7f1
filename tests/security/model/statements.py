"""Actions in SQL, and what the database answers."""

from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg

from tests.security.model.action import Action
from tests.security.model.forest import Forest
from tests.security.model.model_event import ModelEvent
from tests.security.model.model_request import Key
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.observation import Observation
from tests.security.model.verb import Verb

COLUMNS = """tenant.tenant_id, tenant.organization_id, tenant.tenant_type::text AS tenant_type,
    tenant.parent_tenant_id, tenant.name, (tenant.metadata ->> 'note')::integer AS note, tenant.version"""
LOOK_AT_EVENTS = "SELECT organization_id, tenant_id, event_type::text FROM tenancy.tenant_events"
LOOK_AT_REQUESTS = """SELECT tenant_id, idempotency_key, answer ->> 'tenant_id' AS answer
    FROM tenancy_private.idempotency_keys"""
BEGIN_REQUEST = """SELECT is_new, is_same, answer ->> 'tenant_id'
    FROM tenancy.begin_request($1, sha256(convert_to($2, 'UTF8')))"""
FINISH_REQUEST = "SELECT tenancy.finish_request($1, jsonb_build_object('tenant_id', $2::text))"
OPERATORS = UUID(int=0)
"""Under this id the platform operators' requests are remembered."""
LOOK = f"SELECT {COLUMNS} FROM tenancy.tenants AS tenant"
INSERT = """INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name, metadata)
    VALUES ($1, $2, $3, jsonb_build_object('note', $4::integer))"""
ON_CONFLICT = {
    "fail": "",
    "nothing": " ON CONFLICT (organization_id, (name || '')) DO NOTHING",
    "update": " ON CONFLICT (organization_id, (name || '')) DO UPDATE SET metadata = EXCLUDED.metadata",
}
MERGE = """MERGE INTO tenancy.tenants AS tenant
    USING (VALUES ($1::uuid, $2::tenancy.tenant_type, $3::uuid, $4::text, $5::integer))
       AS wanted (tenant_id, tenant_type, parent_tenant_id, name, note)
    ON tenant.tenant_id = wanted.tenant_id"""
MATCHED = {
    "nothing": " WHEN MATCHED THEN DO NOTHING",
    "update": " WHEN MATCHED THEN UPDATE SET metadata = jsonb_build_object('note', wanted.note)",
    "delete": " WHEN MATCHED THEN DELETE",
}
UNMATCHED = """ WHEN NOT MATCHED THEN INSERT (tenant_type, parent_tenant_id, name, metadata)
    VALUES (wanted.tenant_type, wanted.parent_tenant_id, wanted.name, jsonb_build_object('note', wanted.note))"""


def in_sql(action: Action) -> tuple[str, list[Any]]:
    """Return the statement and its parameters. None of them reads or returns more than it must.

    RETURNING, or a WHERE, would make PostgreSQL ask the policy for SELECT as well, and hide a hole in the others.
    """
    match action.verb:
        case Verb.SELECT:
            return _where(LOOK, action, [])
        case Verb.INSERT:
            values = [action.tenant_type, action.parent_id, action.name, action.note]
            return INSERT + ON_CONFLICT[action.on_conflict], values
        case Verb.UPDATE:
            setting = "UPDATE tenancy.tenants AS tenant SET metadata = jsonb_build_object('note', $1::integer)"
            if action.name is None:
                return _where(setting, action, [action.note])
            return _where(f"{setting}, name = $2", action, [action.note, action.name])
        case Verb.DELETE:
            return _where("DELETE FROM tenancy.tenants AS tenant", action, [])
        case Verb.MERGE:
            statement = MERGE + MATCHED[action.matched] + (UNMATCHED if action.unmatched_insert else "")
            return statement, [action.target, action.tenant_type, action.parent_id, action.name, action.note]


def _where(statement: str, action: Action, parameters: list[Any]) -> tuple[str, list[Any]]:
    if action.target is None:
        return statement, parameters
    column = "organization_id" if action.whole_organization else "tenant_id"
    parameters = [*parameters, action.target]
    statement += f" WHERE tenant.{column} = ${len(parameters)}"
    if action.version is not None:
        parameters = [*parameters, action.version]
        statement += f" AND tenant.version = ${len(parameters)}"
    return statement, parameters


async def perform(connection: asyncpg.Connection, action: Action) -> Observation:
    """Run the action, and return what came of it: rows, a count, or the SQLSTATE of a refusal."""
    statement, parameters = in_sql(action)
    try:
        if action.verb is Verb.SELECT:
            rows = forest_of(await connection.fetch(statement, *parameters))
            return Observation(len(rows), None, rows)
        status = await connection.execute(statement, *parameters)
    except asyncpg.PostgresError as refusal:
        return Observation(0, refusal.sqlstate)
    return Observation(int(status.rsplit(" ", 1)[1]), None)


async def look(connection: asyncpg.Connection) -> Forest:
    """Return all tenants that the connection sees."""
    return forest_of(await connection.fetch(LOOK))


async def look_at_events(connection: asyncpg.Connection) -> Counter[ModelEvent]:
    """Return all lines of the audit trail that the connection sees."""
    return Counter(ModelEvent(*row) for row in await connection.fetch(LOOK_AT_EVENTS))


async def look_at_requests(connection: asyncpg.Connection) -> dict[Key, str | None]:
    """Return whose keys are remembered, and the ids that their answers tell."""
    return {
        ("operator" if row["tenant_id"] == OPERATORS else row["tenant_id"], row["idempotency_key"]): row["answer"]
        for row in await connection.fetch(LOOK_AT_REQUESTS)
    }


async def begin_request(connection: asyncpg.Connection, key: str, asked: str) -> tuple[bool, bool, str | None] | str:
    """Begin a request as the service does; return whether it is new and the same, and its answer; or the SQLSTATE."""
    try:
        is_new, is_same, answer = await connection.fetchrow(BEGIN_REQUEST, key, asked)
    except asyncpg.PostgresError as refusal:
        return str(refusal.sqlstate)
    return is_new, is_same, answer


async def finish_request(connection: asyncpg.Connection, key: str, answer: str) -> str | None:
    """Have the answer remembered; return the SQLSTATE of a refusal."""
    try:
        await connection.execute(FINISH_REQUEST, key, answer)
    except asyncpg.PostgresError as refusal:
        return str(refusal.sqlstate)
    return None


def forest_of(rows: list[asyncpg.Record]) -> dict[UUID, ModelTenant]:
    """Return rows as the model writes them."""
    forest = {}
    for row in rows:
        parent_id = row["parent_tenant_id"]
        assert row["organization_id"] == (parent_id or row["tenant_id"])
        assert row["tenant_type"] == ("subsidiary" if parent_id else "parent")
        forest[row["tenant_id"]] = ModelTenant(parent_id, row["name"], row["note"], row["version"])
    assert len(forest) == len(rows)
    return forest
