"""Limit the number of an organisation's subsidiaries.

A quota is a row of an organisation, or the default for those without one. A statement trigger counts the subsidiaries
of each organisation that a statement added to, and raises MT003 above the quota. It reads with the caller's rights and
policies: the owner sees no tenants.

Under READ COMMITTED two creations do not see each other's rows. So those of one organisation wait for each other, by a
lock on the parent's row, and the count is a new statement, which sees what others committed meanwhile. Organisations
without a quota take no lock. The lock comes before the row: a creation that held a name and then waited for the lock
could deadlock with a change of the parent to that name.
"""

from alembic import op

revision = "limit_subsidiaries"
down_revision = "administer_tokens"
branch_labels = None
depends_on = None

CALLER_FUNCTIONS = ("has_quota(uuid)", "max_subsidiaries(uuid)")
OPERATOR_FUNCTIONS = ("list_quotas()", "remove_quota(uuid)", "set_quota(uuid, integer)")

COMMENTS = {
    "TABLE tenancy_private.quotas": "How many subsidiaries an organisation may have; without a row, any number.",
    "COLUMN tenancy_private.quotas.organization_id": "NULL is the default, for organisations without a quota.",
    "FUNCTION tenancy_private.find_quota(uuid)": "The quota that applies to an organisation; NULL for none.",
    "FUNCTION tenancy.has_quota(uuid)": "Whether a quota applies; false for an organisation that is not the caller''s.",
    "FUNCTION tenancy.max_subsidiaries(uuid)": (
        "The quota that applies; NULL for none. Error 42501 for an organisation that is not the caller''s."
    ),
    "FUNCTION tenancy_private.wait_for_creations()": (
        "Has the creations of an organisation with a quota wait for each other, before they hold a name."
    ),
    "FUNCTION tenancy_private.keep_quotas()": (
        "Error MT003 for more subsidiaries than the quota. Sessions that bypass the policies are not limited."
    ),
}


def upgrade() -> None:
    """Create the table, the functions that read and write it, and two triggers on the tenants."""
    op.execute("""
        CREATE TABLE tenancy_private.quotas (
            organization_id  uuid,
            max_subsidiaries integer NOT NULL,

            CONSTRAINT quotas_organization_unique
                UNIQUE NULLS NOT DISTINCT (organization_id),
            CONSTRAINT quotas_organization_fkey
                FOREIGN KEY (organization_id, organization_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id)
                ON DELETE CASCADE,
            CONSTRAINT quotas_max_subsidiaries_is_not_negative
                CHECK (max_subsidiaries >= 0)
        )
    """)
    op.execute("REVOKE USAGE ON TYPE tenancy_private.quotas FROM PUBLIC")
    for column in ("organization_id", "max_subsidiaries"):
        op.execute(f"ALTER TABLE tenancy_private.quotas ALTER COLUMN {column} SET STATISTICS 0")
    op.execute("ALTER TABLE tenancy_private.quotas ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy_private.quotas FORCE ROW LEVEL SECURITY")
    # Without a primary key, a change of a published table would fail.
    op.execute("ALTER TABLE tenancy_private.quotas REPLICA IDENTITY FULL")
    op.execute("""
        CREATE POLICY only_the_owner_reaches_quotas ON tenancy_private.quotas
        FOR ALL TO tenancy_owner
        USING (true)
        WITH CHECK (true)
    """)
    _create_functions_of_callers()
    _create_functions_of_operators()
    _create_triggers()
    for place, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {place} IS '{comment}'")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'limit_subsidiaries', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'administer_tokens'
        UNION ALL
        VALUES ('limit_subsidiaries', 'administer_tokens')
    """)


def downgrade() -> None:
    """Delete all quotas: organisations have any number of subsidiaries."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'limit_subsidiaries'")
    for trigger in ("tenants_keep_quotas", "tenants_wait_for_creations"):
        op.execute(f"DROP TRIGGER {trigger} ON tenancy.tenants")
    for function in ("keep_quotas()", "wait_for_creations()"):
        op.execute(f"DROP FUNCTION tenancy_private.{function}")
    for function in (*OPERATOR_FUNCTIONS, *CALLER_FUNCTIONS):
        op.execute(f"DROP FUNCTION tenancy.{function}")
    op.execute("DROP FUNCTION tenancy_private.find_quota(uuid)")
    op.execute("DROP TABLE tenancy_private.quotas")


def _create_functions_of_callers() -> None:
    op.execute("""
        CREATE FUNCTION tenancy_private.find_quota(organization_id uuid) RETURNS integer
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            maximum integer;
        BEGIN
            SELECT quota.max_subsidiaries
            INTO maximum
            FROM tenancy_private.quotas AS quota
            WHERE quota.organization_id = $1;

            IF NOT FOUND THEN
                SELECT quota.max_subsidiaries
                INTO maximum
                FROM tenancy_private.quotas AS quota
                WHERE quota.organization_id IS NULL;
            END IF;
            RETURN maximum;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.has_quota(organization_id uuid) RETURNS boolean
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            RETURN coalesce(access_token.role = 'platform_operator' OR access_token.organization_id = $1, false)
               AND tenancy_private.find_quota($1) IS NOT NULL;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.max_subsidiaries(organization_id uuid) RETURNS integer
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            IF access_token.role IS DISTINCT FROM 'platform_operator'
                AND (access_token.organization_id = $1) IS NOT TRUE
            THEN
                RAISE EXCEPTION 'an organisation''s quota is shown to its tenants and to platform operators'
                USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN tenancy_private.find_quota($1);
        END
        $$
    """)
    for function in CALLER_FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_api, tenancy_platform")


def _create_functions_of_operators() -> None:
    op.execute("""
        CREATE FUNCTION tenancy.set_quota(organization_id uuid, max_subsidiaries integer) RETURNS void
        LANGUAGE sql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            INSERT INTO tenancy_private.quotas
                (organization_id, max_subsidiaries)
            VALUES
                ($1, $2)
            ON CONFLICT (organization_id) DO UPDATE
            SET max_subsidiaries = EXCLUDED.max_subsidiaries;
        END
    """)
    op.execute("""
        CREATE FUNCTION tenancy.remove_quota(organization_id uuid) RETURNS boolean
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            DELETE FROM tenancy_private.quotas AS quota
            WHERE quota.organization_id IS NOT DISTINCT FROM $1;
            RETURN FOUND;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.list_quotas(OUT organization_id uuid, OUT max_subsidiaries integer) RETURNS SETOF record
        LANGUAGE sql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            SELECT quota.organization_id, quota.max_subsidiaries
            FROM tenancy_private.quotas AS quota
            ORDER BY quota.organization_id NULLS FIRST;
        END
    """)
    for function in OPERATOR_FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_operator")


def _create_triggers() -> None:
    op.execute("""
        CREATE FUNCTION tenancy_private.wait_for_creations() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            -- What the caller does not reach is not locked, and refused by the policies.
            IF tenancy.has_quota(NEW.parent_tenant_id) THEN
                PERFORM
                FROM tenancy.tenants AS parent
                WHERE parent.organization_id = NEW.parent_tenant_id
                  AND parent.tenant_id = NEW.parent_tenant_id
                FOR NO KEY UPDATE;
            END IF;
            RETURN NEW;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy_private.keep_quotas() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            organization uuid;
            maximum      integer;
        BEGIN
            IF NOT row_security_active('tenancy.tenants') THEN
                RETURN NULL;
            END IF;

            FOR organization IN
                SELECT DISTINCT added.organization_id
                FROM added
                WHERE added.parent_tenant_id IS NOT NULL
                ORDER BY added.organization_id
            LOOP
                maximum := tenancy.max_subsidiaries(organization);
                CONTINUE WHEN maximum IS NULL;

                -- A caller that reaches the parent reaches the whole organisation. If this one does not, the statement
                -- itself has changed the token or the role, and the count would be too low.
                PERFORM
                FROM tenancy.tenants AS parent
                WHERE parent.organization_id = organization
                  AND parent.tenant_id = organization
                FOR NO KEY UPDATE;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'the context has changed since the access token was checked'
                    USING ERRCODE = 'invalid_authorization_specification';
                END IF;

                PERFORM
                FROM tenancy.tenants AS subsidiary
                WHERE subsidiary.organization_id = organization
                  AND subsidiary.parent_tenant_id = organization
                OFFSET maximum
                LIMIT 1;
                IF FOUND THEN
                    RAISE EXCEPTION 'the organisation may have at most % subsidiaries', maximum
                    USING ERRCODE = 'MT003', DETAIL = maximum;
                END IF;
            END LOOP;
            RETURN NULL;
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER tenants_wait_for_creations BEFORE INSERT ON tenancy.tenants
        FOR EACH ROW WHEN (NEW.parent_tenant_id IS NOT NULL)
        EXECUTE FUNCTION tenancy_private.wait_for_creations()
    """)
    op.execute("""
        CREATE TRIGGER tenants_keep_quotas AFTER INSERT ON tenancy.tenants
        REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.keep_quotas()
    """)
