"""Prepare the schema for `mtdb table`, which protects a table that exists, while it is used.

Such a table names the tenant of each row, and gets a column for the organisation. Its own application writes rows until
the table is protected, without a token, so a trigger of the table fills the column in. The trigger runs as the owner,
from whom FORCE ROW LEVEL SECURITY hides the tenants, and no policy opens them: instead the owner's table
`organizations_of_tenants` repeats the keys of the tenants. It is empty, and its trigger on tenants is disabled, except
while `mtdb table` has work under way.

The last two functions are for policies that let everything pass and log what the policies of protect_tenant_table would
hide or refuse. They show no row: the application reads the whole table at that time. `mtdb table` grants them to the
roles of the application, which is not the service.
"""

from alembic import op

revision = "protect_existing_tables"
down_revision = "limit_subsidiaries"
branch_labels = None
depends_on = None

COMMENTS = {
    "TABLE tenancy_private.organizations_of_tenants": (
        "The keys of the tenants for the trigger of tables that `mtdb table` protects; empty at other times."
    ),
    "FUNCTION tenancy_private.remember_organization()": (
        "Adds a new tenant to organizations_of_tenants; its trigger is enabled while `mtdb table` has work under way."
    ),
    "FUNCTION tenancy_private.look_up_organization()": (
        "Sets organization_id to that of the tenant, NULL for no tenant. For triggers that `mtdb table` creates."
    ),
    "FUNCTION tenancy.reach_in_shadow()": (
        "First and last organisation, first and last tenant that the presented token reaches; NULL without one."
    ),
    "FUNCTION tenancy.passes_in_shadow(text, regclass, text)": (
        "Always true; logs that policies would hide or refuse a row, and notes the time in a setting of the session."
    ),
}


def upgrade() -> None:
    """Create the table, its trigger, which is disabled, and the functions. No statement does anything else."""
    op.execute("""
        CREATE TABLE tenancy_private.organizations_of_tenants (
            organization_id uuid NOT NULL,
            tenant_id       uuid NOT NULL,

            CONSTRAINT organizations_of_tenants_pkey
                PRIMARY KEY (organization_id, tenant_id),
            CONSTRAINT organizations_of_tenants_tenant_unique
                UNIQUE (tenant_id),
            CONSTRAINT organizations_of_tenants_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id)
                ON DELETE CASCADE
        )
    """)
    op.execute("REVOKE USAGE ON TYPE tenancy_private.organizations_of_tenants FROM PUBLIC")
    for column in ("organization_id", "tenant_id"):
        op.execute(f"ALTER TABLE tenancy_private.organizations_of_tenants ALTER COLUMN {column} SET STATISTICS 0")
    op.execute("ALTER TABLE tenancy_private.organizations_of_tenants ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy_private.organizations_of_tenants FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY only_the_owner_reaches_organizations_of_tenants ON tenancy_private.organizations_of_tenants
        FOR ALL TO tenancy_owner
        USING (true)
        WITH CHECK (true)
    """)

    op.execute("""
        CREATE FUNCTION tenancy_private.remember_organization() RETURNS trigger
        LANGUAGE plpgsql
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            INSERT INTO tenancy_private.organizations_of_tenants (organization_id, tenant_id)
            VALUES (NEW.organization_id, NEW.tenant_id);
            RETURN NULL;
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER tenants_remember_organization AFTER INSERT ON tenancy.tenants
        FOR EACH ROW
        EXECUTE FUNCTION tenancy_private.remember_organization()
    """)
    op.execute("ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_remember_organization")
    op.execute("""
        CREATE FUNCTION tenancy_private.look_up_organization() RETURNS trigger
        LANGUAGE plpgsql
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            NEW.organization_id := (
                SELECT known.organization_id
                FROM tenancy_private.organizations_of_tenants AS known
                WHERE known.tenant_id = NEW.tenant_id
            );
            RETURN NEW;
        END
        $$
    """)

    # An application may keep something else in the variable, such as a tenant's id: that is no error before a token is
    # demanded.
    op.execute("""
        CREATE FUNCTION tenancy.reach_in_shadow() RETURNS uuid[]
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            lowest       CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
            highest      CONSTANT uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
            access_token tenancy_private.access_tokens;
        BEGIN
            IF coalesce(current_setting('app.current_tenant', true), '') = '' THEN
                RETURN NULL;
            END IF;
            access_token := tenancy_private.current_access_token();
            RETURN CASE
                WHEN access_token.role = 'platform_operator' THEN
                    ARRAY[lowest, highest, lowest, highest]
                WHEN access_token.tenant_id = access_token.organization_id THEN
                    ARRAY[access_token.organization_id, access_token.organization_id, lowest, highest]
                ELSE
                    ARRAY[
                        access_token.organization_id, access_token.organization_id,
                        access_token.tenant_id, access_token.tenant_id
                    ]
            END;
        EXCEPTION
            WHEN invalid_authorization_specification OR invalid_transaction_state OR SQLSTATE 'MT001' THEN
                RETURN NULL;
        END
        $$
    """)
    # The setting is the session's, and stands for a table and a verb. Policies do not call the function within ten
    # seconds of the moment that it has.
    op.execute("""
        CREATE FUNCTION tenancy.passes_in_shadow(setting text, table_name regclass, verb text) RETURNS boolean
        LANGUAGE plpgsql
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            RAISE LOG 'row level security would % a row of %',
                CASE verb WHEN 'INSERT' THEN 'refuse' ELSE 'hide' END, table_name
            USING ERRCODE = 'MT004', DETAIL = format(
                '%s by role %s, with %s.',
                verb,
                current_user,
                CASE
                    WHEN tenancy.reach_in_shadow() IS NULL THEN 'no valid access token'
                    ELSE 'an access token of another tenant'
                END
            );
            PERFORM set_config(setting, date_part('epoch', statement_timestamp())::text, false);
            RETURN true;
        END
        $$
    """)
    for place, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {place} IS '{comment}'")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'protect_existing_tables', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'limit_subsidiaries'
        UNION ALL
        VALUES ('protect_existing_tables', 'limit_subsidiaries')
    """)


def downgrade() -> None:
    """Drop them. Refused while `mtdb table` has work under way: the trigger of a table needs its function."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'protect_existing_tables'")
    op.execute("DROP FUNCTION tenancy.passes_in_shadow(text, regclass, text)")
    op.execute("DROP FUNCTION tenancy.reach_in_shadow()")
    op.execute("DROP FUNCTION tenancy_private.look_up_organization()")
    op.execute("DROP TRIGGER tenants_remember_organization ON tenancy.tenants")
    op.execute("DROP FUNCTION tenancy_private.remember_organization()")
    op.execute("DROP TABLE tenancy_private.organizations_of_tenants")
