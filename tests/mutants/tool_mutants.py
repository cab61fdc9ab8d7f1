"""Defects of the tools for adopters: sessions of jobs, and the assertion that a table is isolated."""

from tests.mutants.mutant import Mutant

JOBS, CHECK, JUDGE = "jobs/sessions.py", "testing/isolation_check.py", "testing/judge.py"
BROKEN = ("testing/test_broken_tables.py::test_a_broken_table_is_noticed",)

TOOL_MUTANTS = (
    Mutant(
        "a job's token is not revoked",
        ("jobs/test_job_sessions.py::test_a_failing_job_writes_nothing",),
        file=JOBS,
        old="AccessTokenRepository(session).revoke(token_id)",
        new="AccessTokenRepository(session).revoke(UUID(int=0))",
    ),
    Mutant(
        "a job's token lives for hours",
        ("jobs/test_job_sessions.py::test_a_platform_session_reaches_all",),
        file=JOBS,
        old="USUAL_LIFETIME = timedelta(minutes=10)",
        new="USUAL_LIFETIME = timedelta(hours=10)",
    ),
    Mutant(
        "a job may bypass the policies",
        ("jobs/test_job_sessions.py::test_an_administrators_url_opens_no_job",),
        file=JOBS,
        old="if not await session.scalar(POLICIES_APPLY)",
        new="if await session.scalar(POLICIES_APPLY) is None",
    ),
    Mutant(
        "the assertion accepts a refusal by the audit trail's trigger",
        BROKEN,
        file="testing/outcome.py",
        old="INVALID_TOKEN} and not self.was_left_to_the_trigger",
        new="INVALID_TOKEN}",
    ),
    Mutant(
        "the assertion counts no rows",
        BROKEN,
        file=JUDGE,
        old="outcome.affected > rows_in_reach",
        new="outcome.affected > rows_in_reach + 1000",
    ),
    Mutant(
        "the assertion accepts errors of constraints and triggers",
        BROKEN,
        file=JUDGE,
        old="else _late(trial, outcome)",
        new="else None",
    ),
    Mutant(
        "the assertion accepts an invisible row",
        BROKEN,
        file=CHECK,
        old="and owner not in seen",
        new="and owner in ()",
    ),
    Mutant(
        "the assertion inserts columns without a grant",
        BROKEN,
        file="testing/verbs.py",
        old="if part in table.insertable} or row",
        new="} or row",
    ),
    Mutant(
        "the assertion reads no view",
        BROKEN,
        file="testing/dependents.py",
        old="class.relkind IN ('v', 'm')",
        new="class.relkind IN ('m')",
    ),
    Mutant(
        "the assertion runs no lint",
        BROKEN,
        file=CHECK,
        old="return found + await self._findings()",
        new="return found",
    ),
)
"""Each makes a tool pass where it must fail, or leave a token."""
