"""Erases, reads everything again, and certifies what was found."""

from dataclasses import dataclass

import asyncpg

from multi_tenant_db.records.certificate import Certificate
from multi_tenant_db.records.erased_scope import ErasedScope
from multi_tenant_db.records.erasure import erase
from multi_tenant_db.records.outlasting import wait_for_older_transactions
from multi_tenant_db.records.revision import require_revision
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.records.verification import Verification
from multi_tenant_db.records.verifying import verify

SERVER = """
    SELECT session_user::text AS database_role,
           (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
           current_database()::text AS database,
           current_setting('server_version') AS server_version
"""


@dataclass(frozen=True)
class Certification:
    """The certificate, and why reading again failed, if it did."""

    certificate: Certificate
    failure: str | None


async def erase_and_certify(connection: asyncpg.Connection, scope: Scope, server: str) -> Certification:
    """Erase in one transaction, and verify in another, when those that began before have ended.

    Raises only if nothing was erased, or the connection is lost.
    """
    about = await connection.fetchrow(SERVER)
    revision = await require_revision(connection)
    erased = await erase(connection, scope)
    verification, failure = await _verify(connection, erased)
    certificate = Certificate(
        organization_id=scope.organization_id,
        tenant_id=scope.tenant_id,
        complete=verification is not None and not verification.remaining,
        erased_at=erased.erased_at,
        server=server,
        schema_revision=revision,
        tenants=len(erased.tenant_ids),
        deleted_rows=erased.rows,
        events_replaced=erased.events_replaced,
        verification=verification,
        **about,
    )
    return Certification(certificate, failure)


async def _verify(connection: asyncpg.Connection, erased: ErasedScope) -> tuple[Verification | None, str | None]:
    try:
        await wait_for_older_transactions(connection)
        return await verify(connection, erased), None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        return None, str(error).partition("\n")[0] or type(error).__name__
