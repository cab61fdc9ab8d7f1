"""Defects of the policies: mistakes of a migration."""

from tests.mutants.mutant import Mutant

ORGANIZATION = "organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])"
INTERVAL = (
    "tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])"
    " AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])"
)
MYSELF = "(SELECT tenancy.current_tenant_id()) = ANY (ARRAY[organization_id, tenant_id])"
REACH = f"{ORGANIZATION} AND {INTERVAL} AND {MYSELF}"

SEES = "ALTER POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants"
ADDS = "ALTER POLICY a_parent_adds_subsidiaries_under_itself ON tenancy.tenants"
UPDATES = "ALTER POLICY a_tenant_updates_itself_and_its_subsidiaries ON tenancy.tenants"
DELETES = "ALTER POLICY a_parent_deletes_its_subsidiaries ON tenancy.tenants"
EVENTS = "ALTER POLICY a_tenant_sees_events_of_itself_and_its_subsidiaries ON tenancy.tenant_events"

IN_SQL = "security/test_policies_in_sql.py::"
A_PARENT_SEES = (f"{IN_SQL}test_a_parent_sees_itself_and_its_subsidiaries",)
A_PARENT_UPDATES = (f"{IN_SQL}test_a_parent_updates_only_itself_and_its_subsidiaries",)
A_SUBSIDIARY_SEES = (f"{IN_SQL}test_a_subsidiary_sees_and_updates_itself_alone",)
A_SUBSIDIARY_WRITES = (f"{IN_SQL}test_a_subsidiary_inserts_and_deletes_nothing",)
ROLE_AND_TOKEN = (f"{IN_SQL}test_role_and_token_of_a_platform_operator_need_each_other",)
OWN_EVENTS = ("writes/test_audit_trail_in_sql.py::test_every_caller_sees_the_events_in_its_reach",)
STARTS = ("lint/test_safety_check.py::test_a_migrated_database_is_safe",)
PLANNER = "security/test_attack_planner.py::"
FREE = (f"{PLANNER}test_conditions_that_cost_nothing",)
OPERATORS = "organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])"

POLICY_MUTANTS = (
    Mutant(
        "the tenants without FORCE",
        ("security/test_refused_statements.py::test_the_owner_sees_no_tenant",),
        "ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY",
    ),
    Mutant(
        "the tenants without row level security",
        A_PARENT_SEES,
        "ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY",
    ),
    Mutant(
        "the events without FORCE",
        STARTS,
        "ALTER TABLE tenancy.tenant_events NO FORCE ROW LEVEL SECURITY",
    ),
    Mutant(
        "the tokens without row level security",
        STARTS,
        "ALTER TABLE tenancy_private.access_tokens DISABLE ROW LEVEL SECURITY",
    ),
    Mutant("every token sees all", A_PARENT_SEES, f"{SEES} USING (true)"),
    Mutant("OR true in the read policy", A_PARENT_SEES, f"{SEES} USING (({REACH}) OR true)"),
    Mutant(
        "one more policy, for a report",
        A_PARENT_SEES,
        "CREATE POLICY reports ON tenancy.tenants FOR SELECT TO tenancy_api USING (parent_tenant_id IS NULL)",
    ),
    Mutant("a subsidiary sees its whole organisation", A_SUBSIDIARY_SEES, f"{SEES} USING ({ORGANIZATION})"),
    Mutant("the read policy forgets the organisation", A_PARENT_SEES, f"{SEES} USING ({INTERVAL})"),
    Mutant(
        "the read policy forgets its last condition",
        (f"{PLANNER}test_two_tokens_on_chosen_rows",),
        f"{SEES} USING ({ORGANIZATION} AND {INTERVAL})",
    ),
    Mutant(
        "the read policy in plain comparisons",
        (f"{PLANNER}test_whether_the_policy_was_still_asked",),
        f"""{SEES} USING (
            organization_id = (SELECT tenancy.current_organization_id())
            AND tenant_id BETWEEN (SELECT tenancy.first_tenant_id_in_reach())
                              AND (SELECT tenancy.last_tenant_id_in_reach())
            AND (SELECT tenancy.current_tenant_id()) IN (organization_id, tenant_id)
        )""",
    ),
    Mutant(
        "the read policy calls its functions for every row",
        ("security/test_functions_of_the_context.py::test_the_policies_call_them_once_a_statement",),
        f"{SEES} USING (tenancy.current_tenant_id() IN (organization_id, tenant_id))",
    ),
    Mutant(
        "a parent sees only itself", A_PARENT_SEES, f"{SEES} USING (tenant_id = (SELECT tenancy.current_tenant_id()))"
    ),
    Mutant("no check on insert", (f"{IN_SQL}test_a_parent_inserts_nothing_else",), f"{ADDS} WITH CHECK (true)"),
    Mutant(
        "a subsidiary adds beside itself",
        A_SUBSIDIARY_WRITES,
        f"{ADDS} WITH CHECK (organization_id = (SELECT tenancy.current_organization_id()))",
    ),
    Mutant(
        "a subsidiary adds under itself",
        A_SUBSIDIARY_WRITES,
        f"{ADDS} WITH CHECK (parent_tenant_id = (SELECT tenancy.current_tenant_id()))",
    ),
    Mutant("an update reaches all, and is checked", A_PARENT_UPDATES, f"{UPDATES} USING (true)"),
    Mutant("an update reaches all", A_PARENT_UPDATES, f"{UPDATES} USING (true) WITH CHECK (true)"),
    Mutant(
        "a subsidiary updates its organisation",
        A_SUBSIDIARY_SEES,
        f"{UPDATES} USING ({ORGANIZATION}) WITH CHECK ({ORGANIZATION})",
    ),
    Mutant(
        "a deletion reaches all",
        (f"{IN_SQL}test_a_parent_deletes_its_subsidiaries_and_not_itself",),
        f"{DELETES} USING (true)",
    ),
    Mutant(
        "a parent deletes itself",
        (f"{IN_SQL}test_a_parent_deletes_its_subsidiaries_and_not_itself",),
        f"{DELETES} USING (organization_id = (SELECT tenancy.current_tenant_id()))",
    ),
    Mutant("a subsidiary deletes itself", A_SUBSIDIARY_WRITES, f"{DELETES} USING ({REACH})"),
    Mutant(
        "the platform's role is enough to read",
        ROLE_AND_TOKEN,
        "ALTER POLICY a_platform_operator_sees_all ON tenancy.tenants USING (true)",
    ),
    Mutant(
        "the platform's role is enough to update",
        ROLE_AND_TOKEN,
        "ALTER POLICY a_platform_operator_updates_all ON tenancy.tenants USING (true) WITH CHECK (true)",
    ),
    Mutant(
        "the platform's role is enough to delete",
        ROLE_AND_TOKEN,
        "ALTER POLICY a_platform_operator_deletes_any ON tenancy.tenants USING (true)",
    ),
    Mutant(
        "the platform's role is enough to insert",
        (f"{IN_SQL}test_without_a_token_nothing_is_read_or_written",),
        "ALTER POLICY a_platform_operator_adds_any ON tenancy.tenants WITH CHECK (true)",
    ),
    Mutant(
        "the platform's policy is asked once a row is found",
        (f"{PLANNER}test_whether_the_policy_raises_its_error",),
        "ALTER POLICY a_platform_operator_sees_all ON tenancy.tenants"
        " USING (organization_id >= (SELECT tenancy.first_organization_id_in_reach()))",
    ),
    *(
        Mutant(f"{policy.split()[2]} begins with a condition that costs", FREE, f"{policy} USING ({condition})")
        for policy, condition in (
            # Not those of UPDATE and DELETE: a statement with a condition asks the policy of SELECT, too, whose
            # policies_come_first() keeps the whole statement in order.
            (SEES, REACH),
            (EVENTS, REACH),
            ("ALTER POLICY a_platform_operator_sees_all ON tenancy.tenants", OPERATORS),
            ("ALTER POLICY a_platform_operator_sees_all_events ON tenancy.tenant_events", OPERATORS),
        )
    ),
    Mutant("every token reads all events", OWN_EVENTS, f"{EVENTS} USING (true)"),
    Mutant("a subsidiary reads its organisation's events", OWN_EVENTS, f"{EVENTS} USING ({ORGANIZATION})"),
    Mutant(
        "the platform's role is enough to read events",
        OWN_EVENTS,
        "ALTER POLICY a_platform_operator_sees_all_events ON tenancy.tenant_events USING (true)",
    ),
    Mutant(
        "the event policy forgets its last condition",
        (f"{PLANNER}test_two_tokens_on_chosen_rows",),
        f"{EVENTS} USING ({ORGANIZATION} AND {INTERVAL})",
    ),
)
