"""Defects of sessions: of transactions, connections, and statements in one message."""

from tests.mutants.mutant import Mutant

SESSION = "database/tenant_session.py"
COMPILED = "database/compiled_statement.py"
POOL = "database/connection_pool.py"
OVER_HTTP = "integration/test_policies_over_http.py::"
HIDDEN = ("integration/test_hidden_is_absent.py::test_a_hidden_tenant_answers_as_an_absent_one",)
IN_READS = "database/test_one_message_reads.py::"
IN_SESSION = "database/test_tenant_session.py::"
POOLED = "security/test_attack_pooled_sessions.py::"
ROWS = "SELECT true AS is_row, result.* FROM ({statement}) AS result"

SESSION_MUTANTS = (
    Mutant(
        "the answer does not wait for the commit",
        ("integration/test_commit.py::test_a_creation_whose_commit_fails_is_not_answered_as_done",),
        file=SESSION,
        old="await _end(connection, COMMIT)",
        new="asyncio.ensure_future(_end(connection, COMMIT))",
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
        (f"{IN_SESSION}test_a_missing_privilege_is_not_an_invalid_token",),
        file=SESSION,
        old='REFUSED_TOKENS.get(sqlstate(failure) or "")',
        new='REFUSED_TOKENS.get(sqlstate(failure) or "", AuthenticationRequired)',
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
        old="Connection(self._engine, connection)",
        new="self._engine.connect()",
    ),
    Mutant(
        "SQL of an adopter's own needs no reset",
        (f"{POOLED}test_a_variable_left_behind",),
        file="database/session.py",
        old="            connection.info[NEEDS_RESET] = True\n",
        new="",
    ),
    Mutant(
        "a reset leaves the variables",
        (f"{POOLED}test_a_variable_left_behind",),
        file=SESSION,
        old="    RESET ALL;\n",
        new="",
    ),
    Mutant(
        "a planted statement stays in its session",
        (f"{POOLED}test_a_session_with_a_planted_statement_is_closed",),
        file=SESSION,
        old="if leftover_statements != NO_LEFTOVER_STATEMENTS:",
        new="if not leftover_statements:",
    ),
    Mutant(
        "a session that was not reset is used again",
        (f"{POOLED}test_a_session_with_a_planted_statement_is_closed",),
        file=POOL,
        old="if NEEDS_RESET in connection.info or self._disposed:",
        new="if False:",
    ),
    Mutant(
        "sign_in does not come before the rows",
        (f"{OVER_HTTP}test_sees",),
        file=COMPILED,
        old=f"FROM caller LEFT JOIN LATERAL ({ROWS}) AS found ON true",
        new=f"FROM ({ROWS} OFFSET 0) AS found CROSS JOIN caller",
    ),
    Mutant(
        "a reader without rows has no caller",
        (f"{IN_READS}test_the_session_knows_its_caller", HIDDEN[0]),
        file=COMPILED,
        old="FROM caller LEFT JOIN LATERAL",
        new="FROM caller INNER JOIN LATERAL",
    ),
    Mutant(
        "the caller of one read is that of the next",
        (f"{IN_READS}test_each_caller_reads_what_is_its_own",),
        file=COMPILED,
        old="return self._signed_in, [*self._write(parameters), token]",
        new="return self._signed_in, [*self._write(parameters), self.__dict__.setdefault('t', token)]",
    ),
    Mutant(
        "a platform operator reads as a tenant",
        (f"{OVER_HTTP}test_sees",),
        file=SESSION,
        old="return None if answer[0].role is CallerRole.PLATFORM_OPERATOR else answer",
        new="return answer",
    ),
    Mutant(
        "a read in one message uses unnamed statements",
        (f"{IN_READS}test_without_named_statements_a_read_is_a_transaction",),
        file="database/engine.py",
        old="{ONE_MESSAGE_READS: settings.prepared_statements}",
        new="{ONE_MESSAGE_READS: True}",
    ),
    Mutant(
        "a read fails under another default isolation level",
        (f"{IN_READS}test_another_default_isolation_level",),
        file=COMPILED,
        old="    WHERE pg_catalog.current_setting('transaction_isolation') = 'read committed'\n",
        new="",
    ),
    Mutant(
        "a session with deallocated statements stays in the pool",
        (f"{POOLED}test_taking_the_drivers_statements_away",),
        file="database/failures.py",
        old="        driver.terminate()\n",
        new="        pass\n",
    ),
    Mutant(
        "invented tokens take turns of their own",
        ("database/test_connection_pool.py::test_waiting_callers_are_served_in_turn_by_token",),
        file=POOL,
        old="key = token if token in self._verified else None",
        new="key = token",
    ),
    Mutant(
        "waiting requests are served by arrival",
        ("database/test_connection_pool.py::test_waiting_callers_are_served_in_turn_by_token",),
        file=POOL,
        old="key = token if token in self._verified else None",
        new="key = None",
    ),
    Mutant(
        "a refused read is forgotten",
        ("database/test_misused_sessions.py::test_a_refused_read_cannot_be_ignored",),
        file="database/session.py",
        old="            self.caller = None  # a token",
        new="            # a token",
    ),
    Mutant(
        "a stream outlives its session",
        ("database/test_misused_sessions.py::test_a_stream_is_refused",),
        file="database/session.py",
        old='raise RuntimeError("read all rows with execute() or scalars(): a stream outlives the session")',
        new="return await super().stream(*_, **__)",
    ),
    Mutant(
        "a plan of hostile costs is kept",
        ("database/test_misused_sessions.py::test_a_plan_made_under_hostile_costs_is_discarded",),
        file=SESSION,
        old="    DISCARD PLANS;\n",
        new="",
    ),
    Mutant(
        "an isolation level stays on its connection",
        ("database/test_misused_sessions.py::test_an_isolation_level_ends_with_its_session",),
        file=SESSION,
        old="elif not _has_an_isolation_level_of_its_own(connection):",
        new="else:",
    ),
    Mutant(
        "an organisation has no limit",
        ("http/test_rate_limiter.py::test_a_second_of_requests_is_admitted_and_refills",),
        file="http/rate_limiter.py",
        old="        if left < 1:\n",
        new="        if False:\n",
    ),
    Mutant(
        "a caller's own write is read from a standby that lacks it",
        ("standby/test_own_writes.py::test_every_kind_of_write_is_read_at_once",),
        file="database/read_routing.py",
        old="written_at = self.write_times.latest(organization_id)",
        new="written_at = 0.0",
    ),
    Mutant(
        "a standby serves reads however far it is behind",
        ("standby/test_tokens.py::test_a_revoked_token_is_refused_within_the_bound",),
        file="database/standby.py",
        old="and self.lag() <= self.max_lag_seconds",
        new="",
    ),
)
