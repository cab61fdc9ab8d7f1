"""Defects of the code: mistakes of a programmer."""

from tests.mutants.mutant import Mutant

SESSION = "database/tenant_session.py"
POOL = "database/connection_pool.py"
TENANTS = "repositories/tenant_repository.py"
STATEMENTS = "repositories/tenant_statements.py"
SERVICE = "services/tenant_service.py"
REFUSALS = "repositories/constraint_errors.py"
CONTEXT = "http/request_context.py"

OVER_HTTP = "integration/test_policies_over_http.py::"
PRECONDITIONS = "writes/test_preconditions.py::"
HIDDEN = ("integration/test_hidden_is_absent.py::test_a_hidden_tenant_answers_as_an_absent_one",)
IN_SESSION = "database/test_tenant_session.py::"
POOLED = "security/test_attack_pooled_sessions.py::"

CODE_MUTANTS = (
    Mutant(
        "the answer does not wait for the commit",
        ("integration/test_commit.py::test_a_creation_whose_commit_fails_is_not_answered_as_done",),
        file=SESSION,
        old="await _send(connection.driver_connection, COMMIT)",
        new="str(asyncio.ensure_future(_send(connection.driver_connection, COMMIT)))",
    ),
    Mutant(
        "the token stands in the statement's text",
        (f"{IN_SESSION}test_a_token_is_never_text_of_a_statement",),
        file=SESSION,
        old='await SIGN_IN.fetch(driver, {"token": token, "request_id": request_id})',
        new="await driver.fetch(f\"SELECT * FROM tenancy.sign_in('{token}', $1)\", request_id)",
    ),
    Mutant(
        "the role is switched for the session",
        (f"{IN_SESSION}test_the_role_ends_without_the_pools_help",),
        file=SESSION,
        old="SET LOCAL ROLE",
        new="SET ROLE",
    ),
    Mutant(
        "every request acts as the platform",
        (f"{OVER_HTTP}test_sees",),
        file=SESSION,
        old="if caller.role is CallerRole.PLATFORM_OPERATOR:",
        new="if caller.role:",
    ),
    Mutant(
        "no request acts as the platform",
        (f"{OVER_HTTP}test_sees",),
        file=SESSION,
        old="if caller.role is CallerRole.PLATFORM_OPERATOR:",
        new="if not caller.role:",
    ),
    Mutant(
        "every failure of the database is a bad token",
        (f"{IN_SESSION}test_other_refusals_are_no_authentication_matter",),
        file=SESSION,
        old="isinstance(failure, DBAPIError) and sqlstate(failure) == INVALID_AUTHORIZATION",
        new="isinstance(failure, DBAPIError)",
    ),
    Mutant(
        "a refused login is a defect",
        ("integration/test_problems.py::test_a_refused_login_of_the_service_is_not_the_callers_fault",),
        file=POOL,
        old="            raise DBAPIError(None, None, failure) from failure",
        new="            raise",
    ),
    Mutant(
        "a commit that rolls back is a success",
        (f"{IN_SESSION}test_a_commit_that_would_roll_back_is_a_failure",),
        file=SESSION,
        old="SAVEPOINT the_end; COMMIT",
        new="COMMIT",
    ),
    Mutant(
        "a request that asks nothing needs no live token",
        (f"{IN_SESSION}test_a_deferred_session_that_asked_nothing_is_verified_at_its_end",),
        file=SESSION,
        old="                await session.sign_in()\n",
        new="",
    ),
    Mutant(
        "a session outlives its transaction",
        (f"{IN_SESSION}test_a_session_ends_with_its_block",),
        file="database/session.py",
        old="        if self._of_sqlalchemy is not None:\n",
        new="        if False:\n",
    ),
    Mutant(
        "the isolation level is the server's default",
        ("database/test_server_defaults.py::test_a_server_wide_default",),
        file=SESSION,
        old="BEGIN ISOLATION LEVEL READ COMMITTED",
        new="BEGIN",
    ),
    Mutant(
        "any failure of an endpoint looks like a database that is away",
        ("database/test_defects.py::test_a_failure_of_other_code_is_a_defect",),
        file=SESSION,
        old="    except (DBAPIError, PoolTimeoutError) as failure:\n        error",
        new="    except (DBAPIError, OSError, KeyError, asyncpg.InterfaceError) as failure:\n        error",
    ),
    Mutant(
        "SQLAlchemy works past the caller's transaction",
        (f"{IN_SESSION}test_an_error_rolls_back",),
        file="database/session.py",
        old="Connection(self._engine, await_only(self.begin_once()))",
        new="self._engine.connect()",
    ),
    Mutant(
        "what a caller leaves in a pooled session stays there",
        (f"{POOLED}test_a_variable_left_behind",),
        file=SESSION,
        old='COMMIT = f"SAVEPOINT the_end; COMMIT; {RESET_SESSION}"',
        new='COMMIT = "COMMIT; SELECT FROM pg_catalog.pg_class LIMIT 0"',
    ),
    Mutant(
        "a planted statement stays in its session",
        (f"{POOLED}test_a_session_with_a_planted_statement_is_closed",),
        file=POOL,
        old="if leftover_statements == NO_LEFTOVER_STATEMENTS:",
        new="if leftover_statements:",
    ),
    Mutant(
        "a session with deallocated statements stays in the pool",
        (f"{POOLED}test_taking_the_drivers_statements_away",),
        file="database/failures.py",
        old="        driver.terminate()\n",
        new="        pass\n",
    ),
    Mutant(
        "every deletion cascades",
        ("integration/test_delete_tenant.py::test_subsidiaries_stop_the_deletion_of_their_parent",),
        file=TENANTS,
        old="statements.REMOVE_ORGANIZATION if cascade else statements.REMOVE",
        new="statements.REMOVE_ORGANIZATION",
    ),
    Mutant(
        "If-Match is ignored on PUT",
        ("integration/test_replace_tenant.py::test_a_stale_tag_stops_the_change",),
        file=STATEMENTS,
        old=".where(_IS_SOUGHT, _FULFILS_CONDITION)",
        new=".where(_IS_SOUGHT, or_(_FULFILS_CONDITION, _IS_SOUGHT))",
    ),
    Mutant(
        "If-Match is ignored on DELETE",
        ("integration/test_delete_tenant.py::test_any_other_tag_stops_the_deletion",),
        file=STATEMENTS,
        old="    .where(_IS_SOUGHT, _FULFILS_CONDITION, ~_subs",
        new="    .where(_IS_SOUGHT, or_(_FULFILS_CONDITION, _IS_SOUGHT), ~_subs",
    ),
    Mutant(
        "If-None-Match is ignored on writing",
        (f"{PRECONDITIONS}test_writing_under_a_condition",),
        file=STATEMENTS,
        old="Tenant.version != all_(",
        new="Tenant.version - Tenant.version != all_(",
    ),
    Mutant(
        "pages overlap",
        ("integration/test_list_tenants.py::test_pages_of_any_size_show_everything_once",),
        file=STATEMENTS,
        old="Tenant.tenant_id > _LAST[1]",
        new="Tenant.tenant_id >= _LAST[1]",
    ),
    Mutant(
        "a platform operator's pages overlap",
        ("security/model/test_model_machine.py::test_the_world_stays_what_the_judge_says",),
        file=STATEMENTS,
        old="tuple_(*KEY) > ",
        new="tuple_(*KEY) >= ",
    ),
    Mutant(
        "If-Match is ignored on a cascading DELETE",
        ("integration/test_delete_tenant.py::test_a_cascade_on_a_stale_tag_deletes_nothing",),
        file=STATEMENTS,
        old="or_(~_IS_SOUGHT, _FULFILS_CONDITION)",
        new="or_(~_IS_SOUGHT, _IS_SOUGHT)",
    ),
    Mutant(
        "a page shows one tenant too many",
        ("integration/test_list_tenants.py::test_pages_of_any_size_show_everything_once",),
        file=SERVICE,
        old="return tenants[:limit],",
        new="return tenants,",
    ),
    Mutant(
        "a stale and a hidden tenant are told apart",
        HIDDEN,
        file=SERVICE,
        old="            await self.get_tenant(tenant_id)\n            raise PreconditionFailed",
        new="            raise PreconditionFailed",
    ),
    Mutant(
        "a hidden tenant is forbidden, not absent",
        HIDDEN,
        file=SERVICE,
        old="            raise TenantNotFound",
        new="            raise OperationNotPermitted",
    ),
    Mutant(
        "a refused insert is a defect",
        (f"{OVER_HTTP}test_inserts",),
        file=REFUSALS,
        old='INSUFFICIENT_PRIVILEGE = "42501"',
        new='INSUFFICIENT_PRIVILEGE = "00000"',
    ),
    Mutant(
        "a taken name is a defect",
        ("integration/test_create_tenant.py::test_a_name_is_unique_inside_its_organization",),
        file=REFUSALS,
        old='"tenants_name_unique_in_organization"',
        new='"another"',
    ),
    Mutant(
        "the log holds the request's headers",
        ("integration/test_logs.py::test_no_line_knows_a_secret",),
        file=CONTEXT,
        old='method=scope["method"],',
        new='method=scope["method"] + str(scope["headers"]),',
    ),
    Mutant(
        "a client's request id is taken as it is",
        ("integration/test_problems.py::test_any_other_request_id_is_replaced",),
        file=CONTEXT,
        old="if WELL_FORMED_ID.fullmatch(given)",
        new="if given",
    ),
    Mutant(
        "an answer may be kept by a cache",
        ("integration/test_problems.py::test_no_such_path",),
        file=CONTEXT,
        old='(b"cache-control", b"private, no-cache")',
        new='(b"cache-control", b"public")',
    ),
    Mutant(
        "a superuser may run the service",
        ("security/test_catalogue_lint.py::test_a_breach_is_named",),
        file="lint/connection.py",
        old="          AND role.rolsuper\n",
        new="          AND false\n",
    ),
    Mutant(
        "a table without FORCE is safe",
        ("security/test_catalogue_lint.py::test_a_breach_is_named",),
        file="lint/tables.py",
        old="AND NOT class.relforcerowsecurity",
        new="AND NOT class.relrowsecurity",
    ),
    Mutant(
        "an idempotency key stands for anything",
        ("writes/test_idempotent_creation.py::test_another_body_is_refused",),
        file="repositories/request_repository.py",
        old="if not is_same:",
        new="if False:",
    ),
    Mutant(
        "a repeated creation is carried out again",
        ("security/model/test_model_keys.py::test_a_key_is_its_users_alone",),
        file=SERVICE,
        old="if stored is not None:",
        new="if False:",
    ),
    Mutant(
        "the answer to a creation is not remembered",
        ("security/model/test_model_keys.py::test_a_key_is_its_users_alone",),
        file=SERVICE,
        old="await self._requests.finish(",
        new="str(",
    ),
    Mutant(
        "unknown members are ignored",
        ("integration/test_replace_tenant.py::test_a_bad_body_changes_nothing",),
        file="schemas/tenant_update.py",
        old='extra="forbid"',
        new='extra="ignore"',
    ),
    Mutant(
        "a body may have any size",
        ("http/test_strict_json_request.py::test_a_body_is_counted_whatever_its_length_is_said_to_be",),
        file="http/strict_json_request.py",
        old="                if len(body) > max_bytes:",
        new="                if False:",
    ),
    Mutant(
        "a token is stored as it is",
        ("identity/test_access_token.py::test_the_hash_is_sha_256_of_the_whole_token",),
        file="identity/access_token.py",
        old="hashlib.sha256(token.encode()).digest()",
        new="token.encode()[:32]",
    ),
)
