"""Defects of read-only tokens and view tokens."""

from tests.mutants.mutant import Mutant
from tests.mutants.substitution import substitute

READ_ONLY = "security/test_attack_read_only_tokens.py::"
REFUSES = (f"{READ_ONLY}test_a_write_with_a_read_only_token",)
SWAP = (f"{READ_ONLY}test_the_reach_of_one_token_with_the_right_of_another",)
OPERATOR = (f"{READ_ONLY}test_a_write_with_a_read_only_operators_token",)
REACH_POLICY = "tenancy_private.create_reach_policy(regclass, name, text, regrole)"


def plainly(policy: str, *functions: str) -> str:
    """Return SQL that has a policy of the tenants ask functions that refuse no read-only token."""
    names = ", ".join(f"'{name}'" for name in functions)
    return f"""
        DO $mutant$
        DECLARE
            policy  record;
            pair    text;
        BEGIN
            SELECT qual, with_check INTO policy FROM pg_policies WHERE policyname = '{policy}';
            FOREACH pair IN ARRAY ARRAY[{names}] LOOP
                policy.qual := replace(policy.qual, split_part(pair, '>', 1), split_part(pair, '>', 2));
                policy.with_check := replace(policy.with_check, split_part(pair, '>', 1), split_part(pair, '>', 2));
            END LOOP;
            EXECUTE concat(
                'ALTER POLICY {policy} ON tenancy.tenants',
                ' USING (' || policy.qual || ')',
                ' WITH CHECK (' || policy.with_check || ')'
            );
        END
        $mutant$
    """


TENANT = "tenancy.writable_tenant_id()>tenancy.current_tenant_id()"
ORGANIZATION = "tenancy.writable_organization_id()>tenancy.current_organization_id()"
FIRST = "tenancy.first_writable_organization_id()>tenancy.first_organization_id_in_reach()"

UPDATES, DELETES = "a_tenant_updates_itself_and_its_subsidiaries", "a_parent_deletes_its_subsidiaries"
ADDS = "a_parent_adds_subsidiaries_under_itself"

TOKEN_MUTANTS = (
    Mutant("a read-only token locks", REFUSES, plainly(UPDATES, TENANT, ORGANIZATION)),
    Mutant("a read-only token deletes", REFUSES, plainly(DELETES, TENANT, ORGANIZATION)),
    Mutant("a read-only token adds what another may", SWAP, plainly(ADDS, TENANT, ORGANIZATION)),
    Mutant("an update takes the tenant from any token", SWAP, plainly(UPDATES, TENANT)),
    Mutant("a deletion takes the tenant from any token", SWAP, plainly(DELETES, TENANT)),
    *(
        Mutant(f"{policy} with a read-only token", OPERATOR, plainly(policy, FIRST))
        for policy in ("a_platform_operator_updates_all", "a_platform_operator_deletes_any")
    ),
    Mutant(
        "further tables take writes of read-only tokens",
        ("security/test_catalogue_lint.py::test_the_procedure_makes_the_policies_that_the_lint_knows",),
        substitute(REACH_POLICY, r"ELSE 'writable_organization_id'", "ELSE 'current_organization_id'"),
    ),
    Mutant(
        "a read-only token claims idempotency keys",
        REFUSES,
        substitute("tenancy_private.caller_tenant_id()", r"IF NOT access_token\.may_write", "IF false"),
    ),
    Mutant(
        "the trail names a read-only token",
        (f"{READ_ONLY}test_a_change_in_the_name_of_a_read_only_token",),
        substitute("tenancy_private.record_row_event()", r"AND NOT access_token\.may_write", "AND false"),
    ),
)
