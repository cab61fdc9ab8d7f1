"""Defects of the code: what a hurried engineer might write."""

from tests.mutants.mutant import Mutant

SESSION = "database/tenant_session.py"
DEPENDENCIES = "routers/dependencies.py"
TENANTS = "repositories/tenant_repository.py"
SERVICE = "services/tenant_service.py"

CODE_MUTANTS = (
    Mutant(
        "commit after the response",
        file=DEPENDENCIES,
        old='{"scope": "function"} if',
        new='{"scope": "request"} if',
        suites=("tests/integration",),
    ),
    Mutant(
        "the token stands in the statement's text",
        file=SESSION,
        old='sign_in(:token, :request_id)")',
        new="sign_in('mtdb_' || :token, :request_id)\")",
    ),
    Mutant("the role is switched for the session", file=SESSION, old="SET LOCAL ROLE", new="SET ROLE"),
    Mutant(
        "everybody acts as the platform",
        file=SESSION,
        old="if caller.role is CallerRole.PLATFORM_OPERATOR:",
        new="if caller.role:",
    ),
    Mutant(
        "nobody acts as the platform",
        file=SESSION,
        old="if caller.role is CallerRole.PLATFORM_OPERATOR:",
        new="if not caller.role:",
    ),
    Mutant(
        "every failure of the database is a bad token",
        file=SESSION,
        old="if sqlstate(failure) != INVALID_AUTHORIZATION:",
        new="if False:",
        suites=("tests/database", "tests/integration"),
    ),
    Mutant(
        "a refused login is a bad token",
        file=SESSION,
        old="            await session.connection()\n",
        new="",
        suites=("tests/database", "tests/integration"),
    ),
    Mutant(
        "a repository works past the caller's session",
        file=TENANTS,
        old="        self._session = session\n",
        new="        self._session = AsyncSession(session.bind, autoflush=False)\n",
    ),
    Mutant("every deletion cascades", file=TENANTS, old="        if cascade:\n", new="        if True:\n"),
    Mutant(
        "If-Match is ignored on PUT",
        file=TENANTS,
        old="        if versions is not None:\n            statement = statement.where(",
        new="        if False:\n            statement = statement.where(",
    ),
    Mutant(
        "If-Match is ignored on DELETE",
        file=TENANTS,
        old="            target = and_(target, or_(~is_the_tenant",
        new="            and_(target, or_(~is_the_tenant",
    ),
    Mutant("pages overlap", file=TENANTS, old="key > (", new="key >= ("),
    Mutant("a page shows one tenant too many", file=SERVICE, old="return tenants[:limit],", new="return tenants,"),
    Mutant(
        "a stale and a hidden tenant are told apart",
        file=SERVICE,
        old="            await self.get_tenant(tenant_id)\n            raise PreconditionFailed",
        new="            raise PreconditionFailed",
    ),
    Mutant(
        "a hidden tenant is forbidden, not absent",
        file=SERVICE,
        old="            raise TenantNotFound",
        new="            raise OperationNotPermitted",
    ),
    Mutant(
        "a refused insert is a defect",
        file="repositories/refusals.py",
        old='INSUFFICIENT_PRIVILEGE = "42501"',
        new='INSUFFICIENT_PRIVILEGE = "00000"',
    ),
    Mutant(
        "a taken name is a defect",
        file="repositories/refusals.py",
        old='"tenants_name_unique_in_organization"',
        new='"another"',
    ),
    Mutant(
        "the request's log line holds the query",
        file="observability/request_context.py",
        old='        method=scope["method"],',
        new='        method=scope["method"], headers=str(scope["headers"]),',
        suites=("tests/integration", "tests/observability", "tests/security"),
    ),
    Mutant(
        "a client's request id is taken as it is",
        file="observability/request_context.py",
        old="if WELL_FORMED_ID.fullmatch(given)",
        new="if given",
    ),
    Mutant(
        "a superuser may run the service",
        file="database/lint/connection.py",
        old="          AND role.rolsuper\n",
        new="          AND false\n",
        suites=("tests/database",),
    ),
    Mutant(
        "a table without FORCE is safe",
        file="database/lint/tables.py",
        old="AND NOT class.relforcerowsecurity",
        new="AND NOT class.relrowsecurity",
        suites=("tests/database",),
    ),
    Mutant(
        "an idempotency key stands for anything",
        file="repositories/request_repository.py",
        old="if not row.is_same:",
        new="if False:",
        suites=("tests/writes",),
    ),
    Mutant("unknown members are ignored", file="schemas/tenant_update.py", old='extra="forbid"', new='extra="ignore"'),
    Mutant(
        "a body may have any size",
        file="routers/strict_json_request.py",
        old="                if len(body) > max_bytes:",
        new="                if False:",
        suites=("tests/routers", "tests/integration"),
    ),
)
