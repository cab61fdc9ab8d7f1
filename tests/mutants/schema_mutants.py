"""Defects of the schema: what a careless migration or a hurried administrator might do."""

from tests.mutants.mutant import Mutant

POLICY = "ON tenancy.tenants"
REACH = """
    organization_id = (SELECT tenancy.current_organization_id())
    AND tenant_id BETWEEN (SELECT tenancy.first_tenant_id_in_reach()) AND (SELECT tenancy.last_tenant_id_in_reach())
"""
SEES = f"ALTER POLICY a_tenant_sees_itself_and_its_subsidiaries {POLICY}"
ADDS = f"ALTER POLICY a_parent_adds_subsidiaries_under_itself {POLICY}"
UPDATES = f"ALTER POLICY a_tenant_updates_itself_and_its_subsidiaries {POLICY}"
DELETES = f"ALTER POLICY a_parent_deletes_its_subsidiaries {POLICY}"


def _replace_in(function: str, old: str, new: str) -> str:
    """Return SQL that changes a function's source in place, and fails when the text is not there."""
    return f"""
        DO $do$
        DECLARE
            source  text := pg_get_functiondef('{function}'::regprocedure);
            changed text := replace(source, $old${old}$old$, $new${new}$new$);
        BEGIN
            ASSERT changed <> source, 'the mutant changes nothing';
            EXECUTE changed;
        END
        $do$
    """


VERIFY = "tenancy_private.current_access_token()"
SIGN_IN = "tenancy.sign_in(text, text)"

SCHEMA_MUTANTS = (
    Mutant("tenants without FORCE", "ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY"),
    Mutant("tenants without row level security", "ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY"),
    Mutant("everybody sees all", f"{SEES} USING (true)"),
    Mutant("OR true in the read policy", f"{SEES} USING (({REACH}) OR true)"),
    Mutant(
        "a subsidiary sees its whole organisation",
        f"{SEES} USING (organization_id = (SELECT tenancy.current_organization_id()))",
    ),
    Mutant(
        "the read policy forgets the organisation",
        f"{SEES} USING (tenant_id BETWEEN (SELECT tenancy.first_tenant_id_in_reach())"
        " AND (SELECT tenancy.last_tenant_id_in_reach()))",
    ),
    Mutant("a parent sees only itself", f"{SEES} USING (tenant_id = (SELECT tenancy.current_tenant_id()))"),
    Mutant("no WITH CHECK on insert", f"{ADDS} WITH CHECK (true)"),
    Mutant(
        "a subsidiary adds beside itself",
        f"{ADDS} WITH CHECK (organization_id = (SELECT tenancy.current_organization_id()))",
    ),
    Mutant("no USING on update", f"{UPDATES} USING (true)"),
    Mutant("neither USING nor WITH CHECK on update", f"{UPDATES} USING (true) WITH CHECK (true)"),
    Mutant("no USING on delete", f"{DELETES} USING (true)"),
    Mutant(
        "a parent deletes itself",
        f"{DELETES} USING (organization_id = (SELECT tenancy.current_tenant_id()))",
    ),
    Mutant("a subsidiary deletes itself", f"{DELETES} USING ({REACH})"),
    Mutant(
        "the platform's role is enough to read",
        f"ALTER POLICY a_platform_operator_sees_all {POLICY} USING (true)",
    ),
    Mutant(
        "the platform's role is enough to write",
        f"ALTER POLICY a_platform_operator_updates_all {POLICY} USING (true) WITH CHECK (true)",
    ),
    Mutant(
        "everybody is a platform operator",
        _replace_in("tenancy.is_platform_operator()", "access_token.role = 'platform_operator'", "true"),
    ),
    Mutant("the platform's rights are inherited", "GRANT tenancy_platform TO tenancy_api WITH INHERIT TRUE"),
    Mutant(
        "expired tokens are good",
        _replace_in(VERIFY, "AND token.expires_at > clock_timestamp()", ""),
    ),
    Mutant("revoked tokens are good", _replace_in(VERIFY, "AND token.revoked_at IS NULL", "")),
    Mutant(
        "a bad token is an empty world, not an error",
        _replace_in(VERIFY, "IF NOT FOUND THEN", "IF false THEN"),
    ),
    Mutant(
        "a token may be a tenant's id",
        _replace_in(
            VERIFY,
            "WHERE token.token_hash = sha256(",
            "WHERE token.tenant_id::text = presented OR token.token_hash = sha256(",
        ),
    ),
    Mutant(
        "the context outlives the transaction",
        _replace_in(
            SIGN_IN,
            "set_config('app.current_tenant', coalesce(token, ''), true)",
            "set_config('app.current_tenant', coalesce(token, ''), false)",
        ),
    ),
    Mutant("signing in verifies nothing", _replace_in(SIGN_IN, "IF access_token.token_hash IS NULL", "IF false")),
    Mutant(
        "a subsidiary's reach begins at the first tenant",
        _replace_in(
            "tenancy.first_tenant_id_in_reach()",
            "IF access_token.tenant_id = access_token.organization_id",
            "IF access_token.tenant_id IS NOT NULL",
        ),
    ),
    Mutant(
        "a subsidiary's reach ends at the last tenant",
        _replace_in(
            "tenancy.last_tenant_id_in_reach()",
            "IF access_token.tenant_id = access_token.organization_id",
            "IF access_token.tenant_id IS NOT NULL",
        ),
    ),
    Mutant("a definer function without search_path", f"ALTER FUNCTION {SIGN_IN} RESET search_path"),
    Mutant("an IMMUTABLE context", "ALTER FUNCTION tenancy.current_organization_id() IMMUTABLE"),
    Mutant(
        "the service issues tokens",
        "GRANT EXECUTE ON FUNCTION tenancy.issue_platform_operator_token(bytea, text, interval) TO tenancy_api",
    ),
    Mutant(
        "the service reads the tokens",
        "GRANT USAGE ON SCHEMA tenancy_private TO tenancy_api;"
        " GRANT SELECT ON tenancy_private.access_tokens TO tenancy_api",
    ),
    Mutant("a tenant moves to another parent", f"GRANT UPDATE (parent_tenant_id) {POLICY} TO tenancy_api"),
    Mutant("a client chooses ids", f"GRANT INSERT (tenant_id) {POLICY} TO tenancy_api"),
    Mutant("a client chooses versions", f"GRANT UPDATE (version) {POLICY} TO tenancy_api"),
    Mutant("TRUNCATE for the service", f"GRANT TRUNCATE {POLICY} TO tenancy_api"),
    Mutant(
        "temporary tables for everybody",
        "DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO PUBLIC', current_database()); END $$",
    ),
    Mutant("DO blocks for everybody", "GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC"),
    Mutant("names are unique across organisations", "ALTER TABLE tenancy.tenants ADD UNIQUE (name)"),
    Mutant("no foreign key to the parent", "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_parent_fkey"),
    Mutant(
        "a tenant may be its own parent",
        "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_nobody_is_his_own_parent",
    ),
    Mutant("updates leave the version", "DROP TRIGGER tenants_stamp_update ON tenancy.tenants"),
    Mutant(
        "tokens outlive their tenant",
        "ALTER TABLE tenancy_private.access_tokens DROP CONSTRAINT access_tokens_tenant_fkey",
    ),
    Mutant("changes leave no event", "DROP TRIGGER tenants_record_event ON tenancy.tenants"),
    Mutant("events may be deleted", "GRANT DELETE ON tenancy.tenant_events TO tenancy_api"),
    Mutant(
        "everybody reads all events",
        "ALTER POLICY a_tenant_sees_events_of_itself_and_its_subsidiaries ON tenancy.tenant_events USING (true)",
    ),
    Mutant(
        "idempotency keys are shared by all",
        _replace_in(
            "tenancy_private.caller_tenant_id()",
            "coalesce(access_token.tenant_id, ",
            "coalesce(NULL::uuid, ",
        ),
    ),
)
