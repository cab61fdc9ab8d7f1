"""Defects of the functions: validity and reach of tokens, events, idempotency keys."""

from tests.mutants.mutant import Mutant
from tests.mutants.substitution import answer, substitute

VERIFY = "tenancy_private.current_access_token()"
SIGN_IN = "tenancy.sign_in(text, text)"
RECORD = "tenancy_private.record_row_event()"
PROTECT = "tenancy.protect_tenant_table(regclass, text[], text[], boolean)"
REACH_POLICY = "tenancy_private.create_reach_policy(regclass, name, text, regrole)"
BEGIN_REQUEST = "tenancy.begin_request(text, bytea)"
KEY_OWNER = "tenancy_private.caller_tenant_id()"
FIRST, LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"

CONTEXT = "security/test_attack_context.py::"
WITHOUT_A_TOKEN = ("security/test_policies_in_sql.py::test_without_a_token_nothing_is_read_or_written",)
ROLE_AND_TOKEN = ("security/test_policies_in_sql.py::test_role_and_token_of_a_platform_operator_need_each_other",)
THEIR_ANSWERS = ("security/test_functions_of_the_context.py::test_what_the_policies_are_told",)
RECORDS = "security/test_attack_records.py::"
GRANTS = "security/test_grants.py::"
LINT = "security/test_catalogue_lint.py::"

PLANNED = "security/test_planner_methods.py::"

FUNCTION_MUTANTS = (
    Mutant(
        "the planner's costs are left to the caller",
        ("security/test_attack_planner.py::test_conditions_on_the_branches_of_a_union",),
        substitute("tenancy.policies_come_first()", "<> '0'", "= 'unset'"),
    ),
    Mutant(
        "the order of conditions is chosen at execution, not in the plan",
        (f"{PLANNED}test_no_condition_comes_before_the_policys",),
        "ALTER FUNCTION tenancy.policies_come_first() STABLE",
    ),
    Mutant("every token is a platform operator's", WITHOUT_A_TOKEN, answer("tenancy.is_platform_operator()", "true")),
    Mutant(
        "every token has a platform operator's reach",
        ROLE_AND_TOKEN,
        answer("tenancy.first_organization_id_in_reach()", f"'{FIRST}'"),
    ),
    Mutant(
        "a subsidiary's reach begins at the first tenant",
        THEIR_ANSWERS,
        answer("tenancy.first_tenant_id_in_reach()", f"'{FIRST}'"),
    ),
    Mutant(
        "a subsidiary's reach ends at the last tenant",
        THEIR_ANSWERS,
        answer("tenancy.last_tenant_id_in_reach()", f"'{LAST}'"),
    ),
    Mutant(
        "a subsidiary is taken for its organisation",
        THEIR_ANSWERS,
        answer("tenancy.current_tenant_id()", "tenancy.current_organization_id()"),
    ),
    Mutant(
        "an expired token is good",
        (f"{CONTEXT}test_replaying_a_dead_token",),
        substitute(VERIFY, r"(token\.)?expires_at > \w+\(\)", "true"),
    ),
    Mutant(
        "a token expires only with the next transaction",
        (f"{CONTEXT}test_replaying_a_dead_token",),
        substitute(VERIFY, r"expires_at > clock_timestamp\(\)", "expires_at > transaction_timestamp()"),
    ),
    Mutant(
        "a token's end is read in the caller's time zone",
        (f"{CONTEXT}test_another_clock",),
        substitute(
            VERIFY,
            r"(token\.)?expires_at > \w+\(\)",
            "token.expires_at::timestamp > clock_timestamp() AT TIME ZONE 'UTC'",
        ),
    ),
    Mutant(
        "a revoked token is good",
        (f"{CONTEXT}test_replaying_a_dead_token",),
        substitute(VERIFY, r"(token\.)?revoked_at IS NULL", "true"),
    ),
    Mutant(
        "a bad token is an empty world, not an error",
        (f"{CONTEXT}test_a_token_with_something_added",),
        substitute(VERIFY, "IF NOT FOUND THEN", "IF false THEN"),
    ),
    Mutant(
        "a tenant's id is a token",
        (f"{CONTEXT}test_set_to_a_tenant_id",),
        substitute(
            VERIFY, r"WHERE token\.token_hash =", "WHERE token.tenant_id::text = presented OR token.token_hash ="
        ),
    ),
    Mutant(
        "a token's hash is a token",
        (f"{CONTEXT}test_set_config_to_the_hash_of_a_token",),
        substitute(
            VERIFY,
            r"WHERE token\.token_hash =",
            "WHERE encode(token.token_hash, 'hex') = presented OR token.token_hash =",
        ),
    ),
    Mutant(
        "blanks around a token do not matter",
        (f"{CONTEXT}test_a_token_with_something_added",),
        substitute(VERIFY, r"= sha256\(convert_to\(presented, ", "= sha256(convert_to(btrim(presented), "),
    ),
    Mutant(
        "an old snapshot keeps a revoked token alive",
        (f"{CONTEXT}test_a_snapshot_kept_open_past_the_revocation",),
        substitute(VERIFY, r"NOT IN \('read committed', 'read uncommitted'\)", "= 'none of these'"),
    ),
    Mutant(
        "the context outlives the transaction",
        ("security/test_functions_of_the_context.py::test_signing_in_holds_for_one_transaction",),
        substitute(
            SIGN_IN,
            r"set_config\('app\.current_tenant', ([^;]*), true\)",
            r"set_config('app.current_tenant', \1, false)",
        ),
    ),
    Mutant(
        "signing in verifies nothing",
        ("security/test_functions_of_the_context.py::test_signing_in_needs_a_valid_token",),
        substitute(SIGN_IN, r"IF access_token\.token_hash IS NULL", "IF false"),
    ),
    Mutant(
        "a function takes the caller's search_path",
        (f"{GRANTS}test_every_function_has_a_fixed_search_path",),
        f"ALTER FUNCTION {SIGN_IN} RESET search_path",
    ),
    Mutant(
        "an IMMUTABLE context",
        (f"{GRANTS}test_functions_that_read_are_stable_and_stay_in_the_leader",),
        "ALTER FUNCTION tenancy.current_organization_id() IMMUTABLE",
    ),
    Mutant(
        "a context in parallel workers",
        (f"{GRANTS}test_functions_that_read_are_stable_and_stay_in_the_leader",),
        "ALTER FUNCTION tenancy.current_organization_id() PARALLEL SAFE",
    ),
    Mutant(
        "a LEAKPROOF context",
        (f"{GRANTS}test_functions_that_read_are_stable_and_stay_in_the_leader",),
        "ALTER FUNCTION tenancy.current_tenant_id() LEAKPROOF",
    ),
    Mutant(
        "a private function with the owner's rights",
        (f"{GRANTS}test_functions_run_with_the_rights_they_need",),
        f"ALTER FUNCTION {VERIFY} SECURITY DEFINER",
    ),
    Mutant(
        "a revoked token is not revoked",
        (f"{CONTEXT}test_replaying_a_dead_token",),
        substitute("tenancy.revoke_token(uuid)", r"revoked_at = clock_timestamp\(\)", "revoked_at = NULL"),
    ),
    Mutant(
        "a change without an account",
        (f"{RECORDS}test_a_change_without_a_token",),
        substitute(RECORD, r"IF session_user IN \('tenancy_api', 'tenancy_operator'\)", "IF false"),
    ),
    Mutant(
        "an event names the role that was switched to",
        ("writes/test_audit_trail_in_sql.py::test_switching_the_role_does_not_hide_the_login",),
        substitute(RECORD, r"access_token\.tenant_id,\s+session_user", "access_token.tenant_id, current_user"),
    ),
    Mutant(
        "an organisation is always the tenant itself",
        ("security/test_constraints.py::test_the_database_fills_in_the_organisation",),
        substitute(
            "tenancy_private.fill_in_organization()",
            r"coalesce\(NEW\.parent_tenant_id, NEW\.tenant_id\)",
            "NEW.tenant_id",
        ),
    ),
    Mutant(
        "changes of further tables leave no event",
        (f"{LINT}test_a_table_without_events_is_a_warning",),
        substitute(PROTECT, "AFTER INSERT OR UPDATE OR DELETE", "AFTER INSERT OR UPDATE"),
    ),
    Mutant(
        "further tables do not bind their owner",
        (f"{LINT}test_the_remedy_protects_an_unprotected_table",),
        substitute(PROTECT, ", FORCE ROW LEVEL SECURITY", ""),
    ),
    Mutant(
        "the planner samples further tables",
        (f"{LINT}test_the_remedy_protects_an_unprotected_table",),
        substitute(PROTECT, r"COLUMN %I SET STATISTICS 0", "COLUMN %I SET STATISTICS 100"),
    ),
    Mutant(
        "the procedure's reach forgets the organisation",
        (f"{LINT}test_the_procedure_makes_the_policies_that_the_lint_knows",),
        substitute(REACH_POLICY, r"AND organization_id = ANY[^\n]*", ""),
    ),
    Mutant(
        "the procedure checks no row that is added",
        (f"{LINT}test_the_procedure_makes_the_policies_that_the_lint_knows",),
        substitute(REACH_POLICY, r"format\(' WITH CHECK \(%s\)', to_\w+\)", "' WITH CHECK (true)'"),
    ),
    Mutant(
        "the service may protect tables",
        (f"{GRANTS}test_the_grants_are_exactly_these",),
        f"GRANT EXECUTE ON PROCEDURE {PROTECT} TO tenancy_api",
    ),
    Mutant(
        "idempotency keys are shared by all",
        (f"{RECORDS}test_a_strangers_idempotency_key",),
        substitute(KEY_OWNER, r"coalesce\(access_token\.tenant_id, ", "coalesce(NULL::uuid, "),
    ),
    Mutant(
        "idempotency keys are shared in an organisation",
        (f"{RECORDS}test_an_idempotency_key_of_the_own_parent",),
        substitute(KEY_OWNER, r"coalesce\(access_token\.tenant_id, ", "coalesce(access_token.organization_id, "),
    ),
    Mutant(
        "an idempotency key stands for any request of its user",
        ("writes/test_idempotent_creation.py::test_another_body_is_refused",),
        substitute(BEGIN_REQUEST, r"SELECT request\.request_hash = \$2, ", "SELECT true, "),
    ),
    Mutant(
        "an idempotency key lives for ever",
        ("writes/test_idempotency_keys.py::test_an_expired_key_is_free_before_it_is_cleared_away",),
        substitute(BEGIN_REQUEST, r"created_at < now\(\) - interval '24 hours'(?=;)", "created_at < '-infinity'"),
    ),
    Mutant(
        "there are no idempotency keys",
        (f"{RECORDS}test_remembering_without_a_token",),
        substitute(KEY_OWNER, r"IF access_token\.token_hash IS NULL", "IF false"),
    ),
    Mutant(
        "a remembered answer can be rewritten",
        (f"{RECORDS}test_rewriting_a_remembered_answer",),
        substitute("tenancy.finish_request(text, jsonb)", r"AND request\.answer IS NULL", ""),
    ),
)
