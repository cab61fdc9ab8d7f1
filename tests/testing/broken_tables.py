"""Ways to break a protected table, each with words that the failure must say."""

ALL = "USING (true)"
POLICY = "CREATE POLICY wide ON tenancy.accounts FOR {verb} TO tenancy_api {condition}"
UNRECORDED = "DROP TRIGGER accounts_record_event ON tenancy.accounts"
UNREFUSED = "DROP TRIGGER accounts_refuse_truncation ON tenancy.accounts"
PROJECTION = "SELECT name, balance FROM tenancy.accounts"
LEAK = """
    CREATE SCHEMA reports;
    GRANT USAGE ON SCHEMA reports TO tenancy_api;
    CREATE FUNCTION reports.{name} RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'SELECT name FROM tenancy.accounts';
    REVOKE ALL ON FUNCTION reports.{name} FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION reports.{name} TO tenancy_api
"""

BROKEN = {
    "row level security is off": (
        "ALTER TABLE tenancy.accounts DISABLE ROW LEVEL SECURITY",
        ["SELECT, as First", "COPY ... TO, as First", "UPDATE, as First", "- mtdb check: rls-not-enabled"],
    ),
    "it is not forced": (
        "ALTER TABLE tenancy.accounts NO FORCE ROW LEVEL SECURITY",
        ["rls-not-forced: tenancy.accounts", "Remedy: ALTER TABLE tenancy.accounts FORCE ROW LEVEL SECURITY"],
    ),
    "a policy is open": (
        POLICY.format(verb="SELECT", condition=ALL),
        ["- SELECT, as First", "restrict the policies for SELECT of tenancy_api on tenancy.accounts", "policy-open"],
    ),
    "a policy compares with the organisation only": (
        POLICY.format(verb="SELECT", condition="USING (organization_id = (SELECT tenancy.current_organization_id()))"),
        ["1 (subsidiary) (and 3 more callers): reached rows of First"],
    ),
    "the policy for UPDATE lacks its reach": (
        POLICY.format(verb="UPDATE", condition="USING (true) WITH CHECK (true)"),
        ["- UPDATE, as First", "policies for UPDATE"],
    ),
    "no trigger helps where the policy for UPDATE lacks its reach": (
        f"{POLICY.format(verb='UPDATE', condition='USING (true) WITH CHECK (true)')};{UNRECORDED}",
        ["- UPDATE, as First", "reached 6 rows, of which 3 are within its reach"],
    ),
    "the policy for DELETE lacks its reach": (
        f"{POLICY.format(verb='DELETE', condition=ALL)}; GRANT DELETE ON tenancy.accounts TO tenancy_api",
        ["- DELETE, as First", "policies for DELETE"],
    ),
    "the policy for INSERT lacks its reach": (
        POLICY.format(verb="INSERT", condition="WITH CHECK (true)"),
        ["- INSERT, as First", "only the trigger of the audit trail refused it", "MERGE ... INSERT"],
    ),
    "no trigger helps where the policy for INSERT lacks its reach": (
        f"{POLICY.format(verb='INSERT', condition='WITH CHECK (true)')};{UNRECORDED}",
        ["- INSERT, as First", "was not refused on a row of Second", "rows-unrecorded: tenancy.accounts"],
    ),
    "a policy hides a tenant's own rows": (
        "CREATE POLICY never ON tenancy.accounts AS RESTRICTIVE FOR SELECT TO tenancy_api USING (false)",
        ["- SELECT, as First", "which is within its reach"],
    ),
    "a column of the key may be updated": (
        "GRANT UPDATE (tenant_id) ON tenancy.accounts TO tenancy_api",
        ["- UPDATE of tenant_id, as First", "Remedy: REVOKE UPDATE (tenant_id) ON tenancy.accounts FROM tenancy_api"],
    ),
    "the table may be truncated": (
        f"GRANT TRUNCATE ON tenancy.accounts TO tenancy_api; {UNREFUSED}",
        ["- TRUNCATE, as First", "- LOCK TABLE, as First"],
    ),
    "a view runs as its owner": (
        f"CREATE VIEW tenancy.names AS {PROJECTION}; GRANT SELECT ON tenancy.names TO tenancy_api",
        ["- SELECT from tenancy.names, as First", "reached a row of", "ALTER VIEW tenancy.names SET (security_invoker"],
    ),
    "a function runs as its owner": (
        LEAK.format(name="all_names()"),
        ["- a call of reports.all_names(), as First", "ALTER FUNCTION reports.all_names() SECURITY INVOKER"],
    ),
    "a function of a row's id runs as its owner": (
        LEAK.format(name="name_of(uuid)").replace(
            "FROM tenancy.accounts'", "FROM tenancy.accounts WHERE account_id = $1'"
        ),
        ["- a call of reports.name_of(uuid), as First", "reached a row of"],
    ),
    "a function of a text runs as its owner": (
        LEAK.format(name="names_like(text)"),
        ["the test does not know with which arguments", "tested_elsewhere=['reports.names_like(text)']"],
    ),
    "changes are not recorded": (
        UNRECORDED,
        ["rows-unrecorded: tenancy.accounts", "CREATE TRIGGER accounts_record_event"],
    ),
    "the planner keeps statistics": (
        "ALTER TABLE tenancy.accounts ALTER name SET STATISTICS 100",
        ["statistics-allowed: tenancy.accounts (name)"],
    ),
}
