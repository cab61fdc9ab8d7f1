"""What must hold before the service trusts a database, checked at start-up and by `mtdb check`."""

import asyncio
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.failures import failures_as_errors
from multi_tenant_db.database.safety_report import SafetyReport
from multi_tenant_db.database.schema_revision import REQUIRED_SCHEMA_REVISION
from multi_tenant_db.database.unsafe_database_error import UnsafeDatabaseError
from multi_tenant_db.errors import DatabaseUnavailable

SECONDS_BETWEEN_TRIES = 0.5

OLDEST_SERVER = 170005
"""PostgreSQL 17.5, as `server_version_num` writes it."""

LAST_RLS_FIX = 170006
"""17.6 closed CVE-2025-8713: planner statistics showed hidden rows (PostgreSQL release notes)."""

USE_API = "connect as tenancy_api"

ROLE = text("""
    SELECT current_user AS name, role.rolsuper, role.rolbypassrls, role.rolcreaterole,
           pg_has_role('tenancy_owner', 'MEMBER') AS may_become_owner,
           pg_has_role('tenancy_operator', 'MEMBER') AS may_become_operator,
           EXISTS (
               SELECT FROM pg_catalog.pg_roles AS other
               WHERE (other.rolsuper OR other.rolbypassrls)
                 AND other.oid <> role.oid
                 AND pg_has_role(other.oid, 'MEMBER')
           ) AS may_skip_policies,
           current_setting('server_version_num')::integer AS server_version,
           current_setting('server_version') AS server_version_text
    FROM pg_catalog.pg_roles AS role
    WHERE role.rolname = current_user
""")

ROLE_EXISTS = text("SELECT to_regrole('tenancy_owner') IS NOT NULL AND to_regrole('tenancy_operator') IS NOT NULL")

OWNED = text("""
    SELECT class.oid::regclass::text
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relowner = (SELECT role.oid FROM pg_catalog.pg_roles AS role WHERE role.rolname = current_user)
      AND namespace.nspname IN ('tenancy', 'tenancy_private', 'public')
    ORDER BY 1
""")

UNPROTECTED = text("""
    SELECT format('%I.%I', namespace.nspname, class.relname)
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relkind IN ('r', 'p')
      AND namespace.nspname IN ('tenancy', 'tenancy_private')
      AND NOT (class.relrowsecurity AND class.relforcerowsecurity)
    ORDER BY 1
""")

# Asked of the catalogue: a role without rights, or a schema rolled back to nothing, is a finding and not an error.
REVISION_IS_READABLE = text("""
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class AS class
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
        WHERE namespace.nspname = 'public'
          AND class.relname = 'alembic_version'
          AND has_schema_privilege(namespace.oid, 'USAGE')
          AND has_table_privilege(class.oid, 'SELECT')
    )
""")
REVISION = text("SELECT version_num FROM public.alembic_version")

log = structlog.get_logger()


async def require_safe_database(engine: AsyncEngine) -> SafetyReport:
    """Return the report when nothing in it is dangerous.

    Raises UnsafeDatabaseError, or DatabaseUnavailable when nobody answers.
    """
    report = await check_database(engine)
    if report.dangers:
        raise UnsafeDatabaseError(report.dangers)
    return report


async def await_safe_database(engine: AsyncEngine, seconds: float) -> SafetyReport:
    """Wait so long for a database that does not answer yet, then do as `require_safe_database` does."""
    deadline = monotonic() + seconds
    while True:
        try:
            return await require_safe_database(engine)
        except DatabaseUnavailable as error:
            if monotonic() >= deadline:
                raise
            log.warning("waiting for the database", cause=str(error.__cause__))
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)


async def check_database(engine: AsyncEngine) -> SafetyReport:
    """Ask the database, as the role the service uses, whether it would isolate tenants."""
    report = SafetyReport()
    with failures_as_errors():
        async with engine.connect() as connection:
            if not await connection.scalar(ROLE_EXISTS):
                report.dangers.append("the roles are missing: run `mtdb migrate`")
                return report
            role = (await connection.execute(ROLE)).one()
            report.server_version = role.server_version_text
            owned = (await connection.scalars(OWNED)).all()
            unprotected = (await connection.scalars(UNPROTECTED)).all()
            revision = await connection.scalar(REVISION) if await connection.scalar(REVISION_IS_READABLE) else None

    report.dangers += _dangers_of_role(role)
    report.dangers += [f"{role.name} owns {table}, and an owner may drop its policies: {USE_API}" for table in owned]
    report.dangers += [
        f"row level security is not enabled and forced on {table}: run `mtdb migrate`, or enable and force it"
        for table in unprotected
    ]
    if revision != REQUIRED_SCHEMA_REVISION:
        report.dangers.append(
            f"the schema is at revision {revision}, this version needs {REQUIRED_SCHEMA_REVISION}: "
            "run `mtdb migrate`, or deploy the version that the schema was made for"
        )
    if role.server_version < OLDEST_SERVER:
        report.dangers.append(f"PostgreSQL {role.server_version_text} is too old: use 17.5 or newer")
    elif role.server_version < LAST_RLS_FIX:
        report.warnings.append(
            f"PostgreSQL {role.server_version_text} lacks the fix of CVE-2025-8713, by which statistics tell about "
            "hidden rows: use 17.6 or newer"
        )
    return report


def _dangers_of_role(role: Row[Any]) -> list[str]:
    dangers = []
    if role.rolsuper:
        dangers.append(f"{role.name} is a superuser, whom no policy binds: {USE_API}")
    if role.rolbypassrls:
        dangers.append(f"{role.name} has BYPASSRLS: {USE_API}")
    if role.rolcreaterole:
        dangers.append(f"{role.name} has CREATEROLE: {USE_API}")
    if role.may_skip_policies and not role.rolsuper:
        dangers.append(f"{role.name} may become a role that no policy binds: {USE_API}")
    if role.may_become_owner:
        dangers.append(f"{role.name} may become tenancy_owner, who may drop policies: {USE_API}")
    if role.may_become_operator:
        dangers.append(f"{role.name} may issue tokens as tenancy_operator: {USE_API}")
    return dangers
