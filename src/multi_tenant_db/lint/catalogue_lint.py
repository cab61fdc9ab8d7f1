"""Runs the rules against a database."""

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from multi_tenant_db.lint import expected
from multi_tenant_db.lint.expected_policy import ExpectedPolicy
from multi_tenant_db.lint.finding import Finding
from multi_tenant_db.lint.rule import Rule
from multi_tenant_db.lint.rules import FIRST_RULE, RULES
from multi_tenant_db.schema.schema_revision import (
    FOUND_REVISION,
    IS_DECLARED_COMPATIBLE,
    REQUIRED_SCHEMA_REVISION,
)

OLDEST_SERVER = 170005
"""PostgreSQL 17.5, as `server_version_num` writes it."""

LAST_RLS_FIX = 170006
"""17.6 fixed CVE-2025-8713: planner statistics showed hidden rows (PostgreSQL release notes)."""

LAST_FIXES = (170011, 180005)
"""By major version: fixed CVE-2026-16239, memory corruption (PostgreSQL release notes)."""

TESTED_MAJORS = (17, 18)
"""The major versions on which CI runs the attacks."""

SERVER_VERSION = text("SELECT current_setting('server_version_num')::integer")

# A superuser has every privilege: that is one finding, not one for each privilege.
BOUND_ROLES = text("""
    SELECT role.rolname
    FROM pg_catalog.pg_roles AS role
    WHERE role.rolname = ANY (CAST(:service_roles AS name[]))
      AND NOT role.rolsuper
""")

# Names and the conditions of policies then print with their schema and without unnecessary quotes, independent of the
# role's defaults.
PRINT_FULL_NAMES = text(
    "SELECT set_config('search_path', 'pg_catalog', true), set_config('quote_all_identifiers', 'off', true)"
)

TENANT_TABLES = text("""
    SELECT class.oid
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relkind IN ('r', 'p')
      AND class.relpersistence <> 't'
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND class.oid::regclass::text <> ALL (CAST(:no_tenant_data AS text[]))
      AND (
          namespace.nspname IN ('tenancy', 'tenancy_private')
          OR EXISTS (
              SELECT
              FROM unnest(CAST(:service_roles AS name[])) AS role (name)
              WHERE has_schema_privilege(role.name, namespace.oid, 'USAGE')
          )
          OR EXISTS (
              SELECT
              FROM pg_catalog.pg_attribute AS attribute
              WHERE attribute.attrelid = class.oid
                AND attribute.attname IN ('tenant_id', 'organization_id', 'parent_tenant_id')
                AND attribute.atttypid = 'uuid'::regtype
          )
          OR EXISTS (
              SELECT
              FROM pg_catalog.pg_constraint AS reference
              WHERE reference.conrelid = class.oid
                AND reference.contype = 'f'
                AND reference.confrelid::regclass::text = 'tenancy.tenants'
          )
      )
""")
"""In any schema: tables with a tenant's key or a reference to tenants, or in a schema that a service role may use."""

UNFINISHED_TABLES = text("""
    SELECT class.oid
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgrelid = class.oid
    WHERE trigger.tgfoid::regproc::text = 'tenancy_private.look_up_organization'
      AND class.relowner = to_regrole('tenancy_owner')
      AND NOT EXISTS (
          SELECT
          FROM unnest(CAST(:service_roles AS name[])) AS role (name)
          WHERE has_table_privilege(
                    role.name, class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, MAINTAIN'
                )
             OR has_any_column_privilege(role.name, class.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
      )
""")
"""Tables that `mtdb table` works on: the service's roles have no privilege on them, so it may start."""

# Reads the catalogue, so that a role without privileges, or an empty schema, is a finding and not an error.
IS_READABLE = text("""
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class AS class
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
        WHERE namespace.nspname = 'public'
          AND class.relname = :name
          AND has_schema_privilege(namespace.oid, 'USAGE')
          AND has_table_privilege(class.oid, 'SELECT')
    )
""")

# Which columns have statistics, not their content: scripts/create_roles.sql grants only that.
CAN_SEE_STATISTICS = text("""
    SELECT has_column_privilege('pg_catalog.pg_statistic', 'starelid', 'SELECT')
       AND has_column_privilege('pg_catalog.pg_statistic', 'staattnum', 'SELECT')
""")
KEPT_STATISTICS = text("""
    SELECT coalesce(
        jsonb_agg(jsonb_build_object('relation_id', kept.starelid::bigint, 'column_number', kept.staattnum)), '[]'
    )::text
    FROM pg_catalog.pg_statistic AS kept
    JOIN pg_catalog.pg_class AS class ON class.oid = kept.starelid
    WHERE class.relnamespace <> 'pg_catalog'::regnamespace
""")


async def find_all(connection: AsyncConnection, *, allow_untested: bool = False) -> list[Finding]:
    """Return the violations in the order of the rules; an untested major version is one, unless it is allowed."""
    if missing := await _find(connection, FIRST_RULE, {"all_roles": expected.ALL_ROLES}):
        return missing
    await connection.execute(PRINT_FULL_NAMES)
    parameters = await _parameters(connection) | {"allow_untested": allow_untested}
    return [finding for rule in RULES for finding in await _find(connection, rule, parameters)]


async def _find(connection: AsyncConnection, rule: Rule, parameters: dict[str, Any]) -> list[Finding]:
    used = {name: parameters[name] for name in rule.query.compile().params}
    rows = (await connection.execute(rule.query, used)).all()
    return sorted((rule.finding(row.place, row.remedy) for row in rows), key=str)


async def _parameters(connection: AsyncConnection) -> dict[str, Any]:
    roles = (await connection.scalars(BOUND_ROLES, {"service_roles": expected.SERVICE_ROLES})).all()
    tables = {"no_tenant_data": expected.NO_TENANT_DATA, "service_roles": roles}
    unfinished = (await connection.scalars(UNFINISHED_TABLES, {"service_roles": roles})).all()
    tenant_tables = (await connection.scalars(TENANT_TABLES, tables)).all()
    revision = await connection.scalar(FOUND_REVISION) if await _is_readable(connection, "alembic_version") else None
    is_current = revision == REQUIRED_SCHEMA_REVISION
    is_compatible = not is_current and await _is_compatible(connection, revision)
    is_known = is_current or is_compatible
    can_see_statistics = await connection.scalar(CAN_SEE_STATISTICS)
    return {
        "all_roles": expected.ALL_ROLES,
        "service_roles": roles,
        "tenant_tables": [table for table in tenant_tables if table not in unfinished],
        "unfinished_tables": unfinished,
        "revision": revision,
        "is_compatible": is_compatible,
        "is_known": is_known,
        "required_revision": REQUIRED_SCHEMA_REVISION,
        "server_version": await connection.scalar(SERVER_VERSION),
        "oldest_server": OLDEST_SERVER,
        "last_rls_fix": LAST_RLS_FIX,
        "last_fixes": [*LAST_FIXES],
        "tested_majors": [*TESTED_MAJORS],
        # The content of another revision is unknown here. But a compatible revision has the policies that this version
        # relies on; a newer schema may have further columns, and so further grants.
        "expected_policies": json.dumps(_described(expected.POLICIES) if is_known else []),
        "can_see_statistics": can_see_statistics,
        "kept_statistics": await connection.scalar(KEPT_STATISTICS) if can_see_statistics else "[]",
        "counting_indexes": expected.COUNTING_INDEXES,
        "expected_grants": json.dumps(expected.GRANTS if is_current else []),
        "expected_defaults": json.dumps(expected.DEFAULTS),
        "dangerous_defaults": expected.DANGEROUS_DEFAULTS,
    }


async def _is_compatible(connection: AsyncConnection, revision: str | None) -> bool:
    """Return whether a newer schema declares this version compatible."""
    if revision is None or not await _is_readable(connection, "compatible_revisions"):
        return False
    revisions = {"found": revision, "required": REQUIRED_SCHEMA_REVISION}
    return bool(await connection.scalar(IS_DECLARED_COMPATIBLE, revisions))


async def _is_readable(connection: AsyncConnection, name: str) -> bool:
    return bool(await connection.scalar(IS_READABLE, {"name": name}))


def _described(policies: list[ExpectedPolicy]) -> list[dict[str, str | None]]:
    return [asdict(policy) | {"statement": policy.statement} for policy in policies]
