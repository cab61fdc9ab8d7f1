"""Record the changes of other tables with tenants' rows as well, beside those of the tenants themselves.

`protect_tenant_table` gives each such table the trigger. An event then says which table it speaks of, and holds the
whole row before and after, without the tenant's key, which the event has anyway.
"""

from alembic import op

revision = "record_row_events"
down_revision = "declare_compatible_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Name the table in every event, and add the trigger's function."""
    op.execute("ALTER TABLE tenancy.tenant_events ADD COLUMN table_name text NOT NULL DEFAULT 'tenants'")
    op.execute("ALTER TABLE tenancy.tenant_events ALTER COLUMN table_name SET STATISTICS 0")
    op.execute("""
        CREATE FUNCTION tenancy_private.record_row_event() RETURNS trigger
        LANGUAGE plpgsql
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
            key CONSTANT text[] := ARRAY['organization_id', 'tenant_id'];
            before       jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
            after        jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
            organization uuid := coalesce(after, before) ->> 'organization_id';
        BEGIN
            -- As for the tenants: a statement that has changed its token is refused.
            IF session_user IN ('tenancy_api', 'tenancy_operator')
                AND access_token.role IS DISTINCT FROM 'platform_operator'
                AND access_token.organization_id IS DISTINCT FROM organization
            THEN
                RAISE EXCEPTION 'the context has changed since the access token was checked'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;

            INSERT INTO tenancy.tenant_events (
                organization_id, tenant_id, table_name, event_type, old_values, new_values,
                token_id, token_label, actor_tenant_id, database_role, request_id
            )
            VALUES (
                organization,
                (coalesce(after, before) ->> 'tenant_id')::uuid,
                TG_TABLE_NAME,
                CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END
                    ::tenancy.tenant_event_type,
                before - key,
                after - key,
                access_token.token_id,
                access_token.label,
                access_token.tenant_id,
                session_user,
                nullif(current_setting('app.request_id', true), '')
            );
            RETURN NULL;
        END
        $$
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy_private.refuse_truncation() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            RAISE EXCEPTION '% are deleted, not truncated, which would record no event', TG_TABLE_NAME
            USING ERRCODE = 'feature_not_supported', HINT = 'Use DELETE.';
        END
        $$
    """)


def downgrade() -> None:
    """Forget the events of other tables. Copy them first if they may be needed."""
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy_private.refuse_truncation() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            RAISE EXCEPTION 'tenants are deleted, not truncated, which would record no event'
            USING ERRCODE = 'feature_not_supported', HINT = 'Use DELETE.';
        END
        $$
    """)
    op.execute("DROP FUNCTION tenancy_private.record_row_event()")
    # The owner, too, may only add events, so it grants itself more for this once.
    op.execute("ALTER TABLE tenancy.tenant_events NO FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, DELETE ON tenancy.tenant_events TO tenancy_owner")
    op.execute("DELETE FROM tenancy.tenant_events WHERE table_name <> 'tenants'")
    op.execute("REVOKE SELECT, DELETE ON tenancy.tenant_events FROM tenancy_owner")
    op.execute("ALTER TABLE tenancy.tenant_events FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy.tenant_events DROP COLUMN table_name")
