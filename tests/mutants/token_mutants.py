"""Defects of read-only tokens and view tokens."""

from tests.mutants.mutant import Mutant
from tests.mutants.substitution import substitute

READ_ONLY = "security/test_attack_read_only_tokens.py::"
REFUSES = (f"{READ_ONLY}test_a_write_with_a_read_only_token",)
VIEW = "security/test_attack_view_tokens.py::"
STARTS = ("lint/test_safety_check.py::test_a_migrated_database_is_safe",)
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
ROTATE = "tenancy.rotate_token(uuid, bytea, interval, interval)"
ISSUE_VIEW = "tenancy.issue_view_token(bytea, uuid, uuid, text, interval, boolean)"
FIRST = "tenancy.first_writable_organization_id()>tenancy.first_organization_id_in_reach()"

UPDATES, DELETES = "a_tenant_updates_itself_and_its_subsidiaries", "a_parent_deletes_its_subsidiaries"
ADDS = "a_parent_adds_subsidiaries_under_itself"

TOKEN_MUTANTS = (
    Mutant("a read-only token locks", REFUSES, plainly(UPDATES, TENANT, ORGANIZATION)),
    Mutant("a read-only token deletes", REFUSES, plainly(DELETES, TENANT, ORGANIZATION)),
    Mutant("a read-only token adds what another may", SWAP, plainly(ADDS, TENANT, ORGANIZATION)),
    Mutant("an update takes the tenant from any token", STARTS, plainly(UPDATES, TENANT)),
    Mutant("a deletion takes the tenant from any token", SWAP, plainly(DELETES, TENANT)),
    *(
        Mutant(f"{policy} with a read-only token", OPERATOR, plainly(policy, FIRST))
        for policy in ("a_platform_operator_updates_all", "a_platform_operator_deletes_any")
    ),
    Mutant(
        "further tables take writes of read-only tokens",
        ("security/test_catalogue_lint.py::test_the_procedure_makes_the_policies_that_the_lint_knows",),
        substitute(REACH_POLICY, r"'writable_organization_id'", "'current_organization_id'"),
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
    Mutant(
        "any token opens a view",
        (f"{VIEW}test_a_view_without_an_operator",),
        substitute(ISSUE_VIEW, r"IF operator\.role IS DISTINCT FROM 'platform_operator'", "IF operator IS NULL"),
    ),
    Mutant(
        "a view may do more than its operator",
        (f"{VIEW}test_a_view_that_may_do_more_than_its_operator",),
        substitute(ISSUE_VIEW, r"IF may_write AND NOT operator\.may_write", "IF false"),
    ),
    Mutant(
        "a view does not wait for its operator's revocation",
        (f"{VIEW}test_a_view_issued_while_its_operator_is_revoked",),
        substitute(ISSUE_VIEW, r"FOR SHARE", ""),
    ),
    Mutant(
        "a view outlives its operator's token",
        (f"{VIEW}test_prolonging_a_token",),
        substitute(ISSUE_VIEW, r", operator\.expires_at\)", ")"),
    ),
    Mutant(
        "a view lasts as long as it is asked for",
        (f"{VIEW}test_prolonging_a_token",),
        substitute(ISSUE_VIEW, r"least\(\$5, interval '12 hours'\)", "$5"),
    ),
    Mutant(
        "a revocation forgets the views",
        (f"{VIEW}test_a_view_whose_operator_is_gone",),
        substitute("tenancy.revoke_token(uuid)", r"token\.operator_token_id = revoke_token\.token_id", "false"),
    ),
    Mutant(
        "a rotation forgets the views",
        (f"{VIEW}test_a_view_whose_operator_was_rotated",),
        substitute(ROTATE, r"token\.operator_token_id = \$1", "false"),
    ),
    Mutant(
        "a view goes by the end its operator's token had",
        (f"{VIEW}test_a_view_whose_operator_was_rotated",),
        substitute(ISSUE_VIEW, r"SELECT token\.\*\s+INTO operator", "PERFORM"),
    ),
    Mutant(
        "a view is rotated",
        (f"{VIEW}test_prolonging_a_token",),
        substitute(ROTATE, r"AND token\.operator_token_id IS NULL", ""),
    ),
    Mutant(
        "rotating prolongs the former token",
        (f"{VIEW}test_prolonging_a_token",),
        substitute(ROTATE, r"least\(token\.expires_at, now\(\) \+ \$4\)", "now() + $4"),
    ),
    Mutant(
        "the trail forgets the operator",
        (f"{VIEW}test_hiding_the_operator",),
        substitute("tenancy_private.record_row_event()", r"access_token\.operator_label", "NULL"),
    ),
    Mutant(
        "a tenant does not see who looked",
        ("writes/test_view_tokens.py::test_the_tenant_sees_that_an_operator_looked",),
        substitute(ISSUE_VIEW, r"\$2,\s+\$3,\s+'access_tokens'", "gen_random_uuid(), $3, 'access_tokens'"),
    ),
)
