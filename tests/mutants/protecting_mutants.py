"""Defects of protecting a table that exists."""

from tests.mutants.mutant import Mutant
from tests.mutants.substitution import substitute

ATTACK = "protecting/test_attack_unfinished.py::"
ENFORCED = "protecting/test_enforced.py::"
ROWS = "protecting/test_rows.py::"
REACH = ("protecting/test_reach_in_shadow.py::test_the_reach_of_each_caller",)
GRANTS = ("security/test_grants.py::test_the_grants_are_exactly_these",)
UNDONE = ("protecting/test_steps.py::test_the_table_is_protected_and_every_step_can_be_undone",)
REACH_IN_SHADOW = "tenancy.reach_in_shadow()"

PROTECTING_MUTANTS = (
    Mutant(
        "an undo runs what the comment says",
        (f"{ATTACK}test_statements_in_the_comment",),
        file="protecting/enforcing.py",
        old="    await _require_plain_names(connection, table)\n",
        new="",
    ),
    Mutant(
        "the service may write lines of the shadow",
        GRANTS,
        "GRANT EXECUTE ON FUNCTION tenancy.passes_in_shadow(text, regclass, text) TO tenancy_api",
    ),
    Mutant(
        "the copy of the tenants' keys can be read",
        GRANTS,
        "GRANT SELECT ON tenancy_private.organizations_of_tenants TO tenancy_api",
    ),
    Mutant(
        "in shadow a subsidiary reaches its organisation",
        REACH,
        substitute(REACH_IN_SHADOW, r"access_token\.tenant_id, access_token\.tenant_id", "lowest, highest"),
    ),
    Mutant(
        "in shadow a bad token is an error",
        REACH,
        substitute(REACH_IN_SHADOW, r"invalid_authorization_specification OR ", ""),
    ),
    Mutant(
        "in shadow a role that is not logged sees nothing",
        ("protecting/test_shadow.py::test_a_role_that_comes_later",),
        file="protecting/shadowing.py",
        old="TO PUBLIC USING (true)",
        new="TO tenancy_owner USING (true)",
    ),
    Mutant(
        "samples of rows outlive the enforcement",
        (f"{ATTACK}test_estimates_of_the_enforced_table", f"{ENFORCED}test_no_sample_of_rows_is_left"),
        file="protecting/enforcing.py",
        old="        await connection.execute(FORGET_SAMPLES, table.table_id)\n",
        new="",
    ),
    Mutant(
        "an enforced table fills in the organisation",
        (f"{ATTACK}test_having_the_organisation_filled_in",),
        file="protecting/enforcing.py",
        old="        await preparing.drop_trigger(connection, table)\n",
        new="",
    ),
    Mutant(
        "the application keeps its privileges on an enforced table",
        (f"{ENFORCED}test_the_service_reaches_rows_by_token",),
        file="protecting/enforcing.py",
        old="        if roles:\n",
        new="        if not roles:\n",
    ),
    Mutant(
        "columns whose constraints ignore the policies may be written",
        (f"{ENFORCED}test_what_would_tell_of_hidden_rows",),
        file="protecting/enforcing.py",
        old="if obstacle := await connection.fetchval(OBSTACLES, table.table_id, written):",
        new="if (obstacle := await connection.fetchval(OBSTACLES, table.table_id, written)) and not table:",
    ),
    Mutant(
        "undoing the enforcement forgets the application's privileges",
        UNDONE,
        file="protecting/enforcing.py",
        old="return [*grants, *columns, *indexes]",
        new="return [*columns, *indexes]",
    ),
    Mutant(
        "a table that is open to the service can be prepared",
        ("protecting/test_cli_table.py::test_tables_that_cannot_be_protected",),
        file="protecting/preparing.py",
        old='(not facts["is_granted"], ',
        new="(True, ",
    ),
    Mutant(
        "an unfinished table with privileges of the service is no danger",
        (f"{ENFORCED}test_the_service_may_start_meanwhile",),
        file="lint/catalogue_lint.py",
        old="      AND class.relowner = to_regrole('tenancy_owner')\n      AND NOT EXISTS (",
        new="      AND class.relowner = to_regrole('tenancy_owner')\n      OR EXISTS (",
    ),
    Mutant(
        "tenants that are created meanwhile are not known",
        (f"{ROWS}test_rows_that_are_written_meanwhile",),
        file="protecting/filling.py",
        old="    if not await connection.fetchval(IS_ENABLED):",
        new="    if await connection.fetchval(IS_ENABLED):",
    ),
    Mutant(
        "the backfill fires the application's triggers",
        (f"{ROWS}test_the_backfill_is_no_change_of_the_application",),
        file="protecting/backfilling.py",
        old='            await connection.execute("SET LOCAL session_replication_role = replica")\n',
        new="",
    ),
    Mutant(
        "wrong rows pass the backfill",
        (f"{ROWS}test_rows_of_no_tenant_are_named",),
        file="protecting/backfilling.py",
        old="            await refuse_wrong_rows(connection, table)\n",
        new="",
    ),
    Mutant(
        "an organisation moves while a table is unfinished",
        ("moving/test_unfinished_table.py::test_it_does_not_move",),
        file="moving/checks.py",
        old="        if unfinished := await connection.fetchval(UNFINISHED):",
        new="        if (unfinished := await connection.fetchval(UNFINISHED)) and not servers:",
    ),
)
