"""Ways to weaken the isolation that the catalogue shows: the code of the finding, its place, and what somebody ran."""

from tests.support.policy_breaches import POLICIES
from tests.support.statistics_breaches import LEDGER, STATISTICS

ELSEWHERE = "CREATE SCHEMA elsewhere"
POWER = "CREATE FUNCTION elsewhere.power() RETURNS integer LANGUAGE sql SECURITY DEFINER"

TABLES = [
    ("rls-not-enabled", "tenancy.tenants", "ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY"),
    ("rls-not-enabled", "elsewhere.ledger", f"{LEDGER} ALTER TABLE elsewhere.ledger DISABLE ROW LEVEL SECURITY"),
    ("rls-not-forced", "tenancy.tenants", "ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY"),
    (
        "rls-not-forced",
        "tenancy_private.access_tokens",
        "ALTER TABLE tenancy_private.access_tokens NO FORCE ROW LEVEL SECURITY",
    ),
    (
        "index-missing",
        "elsewhere.ledger (tenant_id)",
        f"{LEDGER} ALTER TABLE elsewhere.ledger DROP CONSTRAINT ledger_pkey",
    ),
    (
        "index-missing",
        "elsewhere.ledger (tenant_id)",
        (
            f"{LEDGER} ALTER TABLE elsewhere.ledger DROP CONSTRAINT ledger_pkey, ADD COLUMN closed boolean;"
            " ALTER TABLE elsewhere.ledger ALTER closed SET STATISTICS 0;"
            " CREATE INDEX ON elsewhere.ledger (tenant_id) WHERE closed"
        ),
    ),
    (
        "index-missing",
        "elsewhere.ledger (organization_id, tenant_id)",
        (
            f"{LEDGER} ALTER TABLE elsewhere.ledger ADD COLUMN organization_id uuid;"
            " ALTER TABLE elsewhere.ledger ALTER organization_id SET STATISTICS 0"
        ),
    ),
    (
        "view-without-security-invoker",
        "elsewhere.names",
        f"{ELSEWHERE}; CREATE VIEW elsewhere.names AS SELECT name FROM tenancy.tenants",
    ),
    (
        "view-without-security-invoker",
        "elsewhere.names_again",
        (
            f"{ELSEWHERE}; CREATE VIEW elsewhere.names WITH (security_invoker) AS SELECT name FROM tenancy.tenants;"
            " CREATE VIEW elsewhere.names_again AS SELECT name FROM elsewhere.names"
        ),
    ),
    (
        "relation-without-policies",
        "elsewhere.names",
        f"{ELSEWHERE}; CREATE MATERIALIZED VIEW elsewhere.names AS SELECT name FROM tenancy.tenants",
    ),
    (
        "relation-without-policies",
        "elsewhere.remote",
        (
            f"{ELSEWHERE}; CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER remote FOREIGN DATA WRAPPER wrapper;"
            " CREATE FOREIGN TABLE elsewhere.remote (tenant_id uuid) SERVER remote"
        ),
    ),
]

GRANTS = [
    ("grant-to-public", "CONNECT on database", 'GRANT CONNECT ON DATABASE "{database}" TO PUBLIC'),
    ("grant-to-public", "USAGE on schema tenancy", "GRANT USAGE ON SCHEMA tenancy TO PUBLIC"),
    (
        "grant-to-public",
        "SELECT on table tenancy_private.access_tokens",
        "GRANT SELECT ON tenancy_private.access_tokens TO PUBLIC",
    ),
    ("grant-to-public", "UPDATE on table tenancy.tenants", "GRANT UPDATE (name) ON tenancy.tenants TO PUBLIC"),
    ("grant-to-public", "USAGE on type tenancy.tenant_type", "GRANT USAGE ON TYPE tenancy.tenant_type TO PUBLIC"),
    *(
        ("grant-past-policies", f"{right} on tenancy.tenants", f"GRANT {right} ON tenancy.tenants TO tenancy_api")
        for right in ("TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
    ),
    ("grant-table-wide", "INSERT on tenancy.tenants", "GRANT INSERT ON tenancy.tenants TO tenancy_api"),
    ("grant-table-wide", "UPDATE on tenancy.tenants", "GRANT UPDATE ON tenancy.tenants TO tenancy_platform"),
    (
        "grant-on-private",
        "USAGE on schema tenancy_private for tenancy_operator",
        "GRANT USAGE ON SCHEMA tenancy_private TO tenancy_operator",
    ),
    (
        "grant-on-private",
        "SELECT on table tenancy_private.access_tokens for pg_monitor",
        "GRANT SELECT (label) ON tenancy_private.access_tokens TO pg_monitor",
    ),
    (
        "grant-on-private",
        "EXECUTE on routine tenancy_private.current_access_token() for tenancy_api",
        "GRANT EXECUTE ON FUNCTION tenancy_private.current_access_token() TO tenancy_api",
    ),
    (
        "grant-unexpected",
        "UPDATE (version) on tenancy.tenants for tenancy_api",
        "GRANT UPDATE (version) ON tenancy.tenants TO tenancy_api",
    ),
    (
        "grant-unexpected",
        "DELETE on tenancy.tenant_events for tenancy_owner",
        "GRANT DELETE ON tenancy.tenant_events TO tenancy_owner",
    ),
    *(
        (
            "grant-unexpected",
            f"{right} on tenancy.tenant_events for tenancy_owner",
            f"GRANT {right} ON tenancy.tenant_events TO tenancy_owner",
        )
        for right in ("UPDATE", "TRUNCATE")
    ),
    ("grant-unexpected", "SELECT on tenancy.tenants for pg_monitor", "GRANT SELECT ON tenancy.tenants TO pg_monitor"),
    (
        "grant-with-grant-option",
        "SELECT on tenancy.tenants for tenancy_api",
        "GRANT SELECT ON tenancy.tenants TO tenancy_api WITH GRANT OPTION",
    ),
    ("right-to-create", "tenancy_api may create in schema public", "GRANT CREATE ON SCHEMA public TO tenancy_api"),
    (
        "right-to-create",
        "tenancy_api may create schemas",
        'GRANT CREATE ON DATABASE "{database}" TO tenancy_api',
    ),
    ("right-to-temporary-tables", "tenancy_operator", 'GRANT TEMPORARY ON DATABASE "{database}" TO tenancy_operator'),
]

FUNCTIONS = [
    ("function-search-path", "tenancy.uuid_v7()", "ALTER FUNCTION tenancy.uuid_v7() RESET search_path"),
    (
        "function-search-path",
        "tenancy.uuid_v7()",
        "ALTER FUNCTION tenancy.uuid_v7() SET search_path = public, pg_catalog, pg_temp",
    ),
    (
        "function-search-path",
        "elsewhere.power()",
        (
            f"{ELSEWHERE}; {POWER} AS 'SELECT 1'; REVOKE ALL ON FUNCTION elsewhere.power() FROM PUBLIC;"
            " GRANT EXECUTE ON FUNCTION elsewhere.power() TO tenancy_platform"
        ),
    ),
    (
        "function-executable-by-public",
        "tenancy.uuid_v7()",
        "GRANT EXECUTE ON FUNCTION tenancy.uuid_v7() TO PUBLIC",
    ),
    (
        "function-executable-by-public",
        "elsewhere.power()",
        f"{ELSEWHERE}; {POWER} SET search_path = pg_catalog, pg_temp AS 'SELECT 1'",
    ),
    (
        "function-immutable-in-policy",
        "tenancy.current_tenant_id()",
        "ALTER FUNCTION tenancy.current_tenant_id() IMMUTABLE",
    ),
    ("function-leakproof", "tenancy.uuid_v7()", "ALTER FUNCTION tenancy.uuid_v7() LEAKPROOF"),
    (
        "function-not-planned",
        "tenancy.policies_come_first()",
        "ALTER FUNCTION tenancy.policies_come_first() STABLE",
    ),
]

ROLES = [
    *(
        ("role-attribute", f"tenancy_platform has {attribute}", f"ALTER ROLE tenancy_platform {attribute}")
        for attribute in ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION", "LOGIN")
    ),
    ("role-attribute", "tenancy_owner has LOGIN", "ALTER ROLE tenancy_owner LOGIN"),
    (
        "role-membership",
        "tenancy_platform is a member of pg_read_all_data",
        "GRANT pg_read_all_data TO tenancy_platform",
    ),
    (
        "role-membership",
        "tenancy_operator is a member of tenancy_platform",
        "GRANT tenancy_platform TO tenancy_operator WITH INHERIT TRUE",
    ),
    ("role-default", "row_security of tenancy_api is off", "ALTER ROLE tenancy_api SET row_security = off"),
    ("role-default", "lock_timeout of tenancy_api is 0", "ALTER ROLE tenancy_api SET lock_timeout = 0"),
    (
        "role-default",
        "statement_timeout of tenancy_api is not set",
        "ALTER ROLE tenancy_api RESET statement_timeout",
    ),
    (
        "role-default",
        "search_path of tenancy_operator is not set",
        "ALTER ROLE tenancy_operator RESET search_path",
    ),
    (
        "role-default",
        "app.current_tenant of every role is x",
        "ALTER DATABASE \"{database}\" SET app.current_tenant = 'x'",
    ),
    (
        "owner-unexpected",
        "tenancy.tenant_events belongs to tenancy_platform",
        "ALTER TABLE tenancy.tenant_events OWNER TO tenancy_platform",
    ),
    (
        "owner-unexpected",
        "tenancy.list_tokens() belongs to",
        "ALTER FUNCTION tenancy.list_tokens() OWNER TO CURRENT_USER",
    ),
    (
        "schema-revision",
        "the schema is at revision from_the_future",
        "UPDATE public.alembic_version SET version_num = 'from_the_future'",
    ),
]

RECORD = "ON tenancy.tenants FOR EACH ROW {} EXECUTE FUNCTION tenancy_private.record_row_event({})"
ALL_VERBS = "CREATE OR REPLACE TRIGGER tenants_record_event AFTER INSERT OR UPDATE OR DELETE"
LEFT_OUT = "'created_at', 'updated_at'"
EVENTS = [
    ("tenants-unrecorded", "tenancy.tenants", statement)
    for statement in (
        "ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_record_event",
        "DROP TRIGGER tenants_record_event ON tenancy.tenants",
        f"{ALL_VERBS.removesuffix(' OR DELETE')} {RECORD.format('', LEFT_OUT)}",
        f"{ALL_VERBS} {RECORD.format('WHEN (pg_trigger_depth() > 9)', LEFT_OUT)}",
        f"{ALL_VERBS} {RECORD.format('', f"{LEFT_OUT}, 'name'")}",
    )
]

CONNECTIONS = [
    ("connected-as-superuser", "tenancy_api is a superuser", "ALTER ROLE tenancy_api SUPERUSER"),
    ("connected-with-bypassrls", "tenancy_api has BYPASSRLS", "ALTER ROLE tenancy_api BYPASSRLS"),
    ("connected-with-createrole", "tenancy_api has CREATEROLE", "ALTER ROLE tenancy_api CREATEROLE"),
    ("connected-with-a-detour", "can switch to", 'GRANT "{admin}" TO tenancy_api WITH INHERIT FALSE'),
    ("connected-as-owner", "can switch to tenancy_owner", "GRANT tenancy_owner TO tenancy_api WITH INHERIT FALSE"),
    ("connected-as-operator", "can switch to tenancy_operator", "GRANT tenancy_operator TO tenancy_api"),
    (
        "connected-owns-table",
        "tenancy_api owns elsewhere.ledger",
        f"{LEDGER} ALTER TABLE elsewhere.ledger OWNER TO tenancy_api",
    ),
]

BREACHES = [*TABLES, *STATISTICS, *POLICIES, *GRANTS, *FUNCTIONS, *EVENTS, *ROLES, *CONNECTIONS]
