"""Erases what the audit trail says of a tenant, and keeps who did what and when.

Kept: the ids, kind and time of an event, its table, the token's id, the tenant that acted, the database's role. A label
is replaced if the token was the erased tenant's own, or if it has one of its names, as is an operator's of a view
token; a request id, if a client chose it.
"""

import asyncpg

from multi_tenant_db.lint.expected import EVENTS
from multi_tenant_db.records.erased_scope import ErasedScope
from multi_tenant_db.records.mentions import mentions_a_name, mentions_an_id, patterns_of
from multi_tenant_db.records.scope import Scope

ERASED = """'{"erased": true}'::jsonb"""
IS_ERASED = f"coalesce(old_values, {ERASED}) = {ERASED} AND coalesce(new_values, {ERASED}) = {ERASED}"

IS_GENERATED = "request_id ~ '^(mtdb-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
"""As the service and the command line make request ids."""

RECORD = f"""
    INSERT INTO {EVENTS} (organization_id, tenant_id, event_type, old_values, database_role, table_name)
    SELECT $1, tenant_id, 'deleted', {ERASED}, session_user, 'tenants'
    FROM unnest($2::uuid[]) AS tenant (tenant_id)
"""


def labels_with_a_name(scope: Scope, patterns: str) -> str:
    """Return the query for labels that match one of the patterns, an array; events share a few labels."""
    return f"""
        SELECT DISTINCT used.label
        FROM (SELECT DISTINCT token_label, operator_label FROM {EVENTS} WHERE {scope.condition}) AS event
        CROSS JOIN LATERAL (VALUES (token_label), (operator_label)) AS used (label)
        WHERE {mentions_a_name("used.label", patterns)}
    """


async def erase_trail(connection: asyncpg.Connection, erased: ErasedScope) -> None:
    """Replace what events say; add an event of the erasure for each tenant, if there was anything to erase."""
    condition = erased.scope.condition
    # The triggers have recorded what was just deleted: the erasure has an event of its own.
    await connection.execute(f"DELETE FROM {EVENTS} WHERE {condition} AND xmin = pg_current_xact_id()::xid")
    naming = await connection.fetch(labels_with_a_name(erased.scope, "$1"), await patterns_of(connection, erased.names))
    labels = [row["label"] for row in naming]
    label = """CASE
        WHEN token_label <> ALL ($2::text[]) AND coalesce(actor_tenant_id <> ALL ($1::uuid[]), true) THEN token_label
    END"""
    operator_label = "CASE WHEN operator_label <> ALL ($2::text[]) THEN operator_label END"
    request_id = f"CASE WHEN {IS_GENERATED} AND NOT {mentions_an_id('request_id')} THEN request_id END"
    replace = f"""
        UPDATE {EVENTS}
        SET old_values = CASE WHEN old_values IS NOT NULL THEN {ERASED} END,
            new_values = CASE WHEN new_values IS NOT NULL THEN {ERASED} END,
            token_label = {label},
            operator_label = {operator_label},
            request_id = {request_id}
        WHERE {condition}
          AND (
              NOT ({IS_ERASED})
              OR (token_label, operator_label, request_id)
                  IS DISTINCT FROM ({label}, {operator_label}, {request_id})
          )
    """
    status = await connection.execute(replace, erased.tenant_ids, labels)
    erased.events_replaced = int(status.rpartition(" ")[2])
    if erased.has_changed:
        await connection.execute(RECORD, erased.scope.organization_id, erased.tenant_ids)
