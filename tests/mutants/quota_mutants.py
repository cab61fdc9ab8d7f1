"""Defects of quotas."""

from tests.mutants.mutant import Mutant
from tests.mutants.substitution import substitute

KEEP, WAIT = "tenancy_private.keep_quotas()", "tenancy_private.wait_for_creations()"
FIND, HAS, MAXIMUM = "tenancy_private.find_quota(uuid)", "tenancy.has_quota(uuid)", "tenancy.max_subsidiaries(uuid)"
IN_SQL = "writes/test_quotas_in_sql.py::"
RACES = "writes/test_quota_races.py::"
ATTACKS = "security/test_attack_quotas.py::"

QUOTA_MUTANTS = (
    Mutant(
        "the count of subsidiaries takes no lock",
        (f"{RACES}test_a_quota_set_while_creations_are_under_way",),
        substitute(KEEP, "FOR NO KEY UPDATE", ""),
    ),
    Mutant(
        "a creation holds its name before the lock",
        (f"{RACES}test_a_creation_and_a_change_of_the_parent_to_the_same_name",),
        substitute(WAIT, r"IF tenancy\.has_quota\(NEW\.parent_tenant_id\)", "IF false"),
    ),
    Mutant(
        "creations without a quota wait for each other",
        (f"{RACES}test_without_a_quota_creations_do_not_wait",),
        substitute(WAIT, r"IF tenancy\.has_quota\(NEW\.parent_tenant_id\)", "IF true"),
    ),
    Mutant(
        "an organisation gets one subsidiary too many",
        (f"{IN_SQL}test_a_statement_adds_up_to_the_quota",),
        substitute(KEEP, "OFFSET maximum", "OFFSET maximum + 1"),
    ),
    Mutant(
        "an organisation gets one subsidiary too few",
        (f"{IN_SQL}test_a_statement_adds_up_to_the_quota",),
        substitute(KEEP, "OFFSET maximum", "OFFSET maximum - 1"),
    ),
    Mutant(
        "subsidiaries are counted for any caller",
        (f"{ATTACKS}test_a_quota_counted_for_another_caller",),
        substitute(KEEP, "IF NOT FOUND THEN", "IF false THEN"),
    ),
    Mutant(
        "one organisation of a statement is counted",
        (f"{IN_SQL}test_an_operators_statement_is_limited_too",),
        substitute(KEEP, r"ORDER BY added\.organization_id", "ORDER BY added.organization_id LIMIT 1"),
    ),
    Mutant(
        "the login decides whether a quota applies",
        (f"{IN_SQL}test_who_bypasses_the_policies_is_not_limited",),
        substitute(KEEP, r"NOT row_security_active\('tenancy\.tenants'\)", "session_user NOT LIKE 'tenancy%'"),
    ),
    Mutant(
        "the default quota is ignored",
        (f"{IN_SQL}test_the_default_applies_to_all_without_a_quota",),
        substitute(FIND, "IF NOT FOUND THEN", "IF false THEN"),
    ),
    Mutant(
        "the default is above an organisation's own quota",
        (f"{IN_SQL}test_the_default_applies_to_all_without_a_quota",),
        substitute(FIND, "IF NOT FOUND THEN", "IF true THEN"),
    ),
    Mutant(
        "every caller is told every quota",
        (f"{ATTACKS}test_a_strangers_quota",),
        substitute(MAXIMUM, r"IF access_token\.role IS DISTINCT", "IF false AND access_token.role IS DISTINCT"),
    ),
    Mutant(
        "every caller is told who has a quota",
        (f"{ATTACKS}test_a_strangers_quota",),
        substitute(HAS, r"access_token\.organization_id = \$1", "true"),
    ),
    Mutant(
        "the service sets quotas",
        (f"{ATTACKS}test_the_records_of_quotas",),
        "GRANT EXECUTE ON FUNCTION tenancy.set_quota(uuid, integer) TO tenancy_api",
    ),
    Mutant(
        "a full organisation is a defect",
        ("writes/test_quotas.py::test_a_refusal_says_the_number",),
        file="repositories/constraint_errors.py",
        old="_translate(verb, violation) or _exceeded_quota(violation)",
        new="_translate(verb, violation)",
    ),
)
