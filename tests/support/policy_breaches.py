"""Ways to weaken the policies, in the form of tests/support/breaches.py."""

from tests.support.statistics_breaches import LEDGER, MINE, PLAINLY_MINE

MINE_TO_WRITE = MINE.replace("current_tenant_id", "writable_tenant_id")

POLICIES = [
    (
        "verb-without-policy",
        "DELETE for tenancy_api on elsewhere.ledger",
        f"{LEDGER} GRANT DELETE ON elsewhere.ledger TO tenancy_api",
    ),
    (
        "verb-without-policy",
        "UPDATE for tenancy_platform on elsewhere.ledger",
        (
            f"{LEDGER} GRANT UPDATE (tenant_id) ON elsewhere.ledger TO tenancy_api, tenancy_platform;"
            f" CREATE POLICY mine ON elsewhere.ledger FOR UPDATE TO tenancy_api USING ({MINE_TO_WRITE})"
        ),
    ),
    (
        "policy-open",
        "everybody on elsewhere.ledger",
        f"{LEDGER} CREATE POLICY everybody ON elsewhere.ledger FOR SELECT TO tenancy_api USING (true)",
    ),
    (
        "policy-open",
        "half on elsewhere.ledger",
        (
            f"{LEDGER} CREATE POLICY half ON elsewhere.ledger FOR UPDATE TO tenancy_api"
            f" USING ({MINE_TO_WRITE}) WITH CHECK (true)"
        ),
    ),
    (
        "policy-late",
        "mine on elsewhere.ledger",
        f"{LEDGER} CREATE POLICY mine ON elsewhere.ledger FOR SELECT TO tenancy_api USING ({PLAINLY_MINE})",
    ),
    *(
        (
            "policy-writes-read-only",
            "mine on elsewhere.ledger",
            f"{LEDGER} CREATE POLICY mine ON elsewhere.ledger FOR {verb} TO tenancy_api {condition}",
        )
        for verb, condition in (
            ("DELETE", f"USING ({MINE})"),
            ("ALL", f"USING ({MINE}) WITH CHECK ({MINE_TO_WRITE})"),
            ("UPDATE", f"USING ({MINE}) WITH CHECK ({MINE_TO_WRITE})"),
        )
    ),
    (
        "policy-missing",
        "the_trigger_adds_events on tenancy.tenant_events",
        "DROP POLICY the_trigger_adds_events ON tenancy.tenant_events",
    ),
    (
        "policy-altered",
        "a_parent_deletes_its_subsidiaries on tenancy.tenants",
        "ALTER POLICY a_parent_deletes_its_subsidiaries ON tenancy.tenants USING (true)",
    ),
    (
        "policy-altered",
        "a_platform_operator_sees_all on tenancy.tenants",
        "ALTER POLICY a_platform_operator_sees_all ON tenancy.tenants TO tenancy_platform, tenancy_api",
    ),
    (
        "policy-unexpected",
        "one_more on tenancy.tenants",
        "CREATE POLICY one_more ON tenancy.tenants FOR SELECT TO tenancy_operator USING (true)",
    ),
]
