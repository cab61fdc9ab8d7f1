"""Record the events of all tables by one trigger function: tenants had one of their own, which said the same.

The trigger's arguments name the columns that an event leaves out, beside the key, which it has anyway. For tenants
these are the two times, so an event of a tenant holds what it always held.
"""

from alembic import op

revision = "record_events_alike"
down_revision = "policies_first"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the function, give it the trigger of the tenants, and drop what that one used.

    Versions before read events and never call these functions.
    """
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy_private.record_row_event() RETURNS trigger
        LANGUAGE plpgsql
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
            organization CONSTANT uuid   := coalesce(NEW.organization_id, OLD.organization_id);
            left_out     CONSTANT text[] := ARRAY['organization_id', 'tenant_id'] || TG_ARGV;
        BEGIN
            -- A role that policies bind needed a token for this change. If the context has none now, or one of another
            -- organisation, the statement itself has put it there: the event would name the wrong caller.
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
                coalesce(NEW.tenant_id, OLD.tenant_id),
                TG_TABLE_NAME,
                CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END
                    ::tenancy.tenant_event_type,
                CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - left_out END,
                CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - left_out END,
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
        CREATE OR REPLACE TRIGGER tenants_record_event
        AFTER INSERT OR UPDATE OR DELETE ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event('created_at', 'updated_at')
    """)
    # No role but the owner may call them.
    for function in ("record_tenant_event()", "describe_tenant(tenancy.tenants)"):
        op.execute(f"-- squawk-ignore ban-drop-function\nDROP FUNCTION tenancy_private.{function}")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'record_events_alike', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'policies_first'
        UNION ALL
        VALUES ('record_events_alike', 'policies_first')
    """)


def downgrade() -> None:
    """Give the tenants their own function again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'record_events_alike'")
    op.execute("""
        CREATE FUNCTION tenancy_private.describe_tenant(tenant tenancy.tenants) RETURNS jsonb
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            RETURN jsonb_build_object(
                'name', tenant.name,
                'tenant_type', tenant.tenant_type,
                'parent_tenant_id', tenant.parent_tenant_id,
                'metadata', tenant.metadata,
                'version', tenant.version
            );
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy_private.record_tenant_event() RETURNS trigger
        LANGUAGE plpgsql
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
            tenant       tenancy.tenants := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        BEGIN
            -- A role that policies bind needed a token for this change. If the context has none now, or one of
            -- another organisation, the statement itself has put it there: the event would name the wrong caller.
            IF session_user IN ('tenancy_api', 'tenancy_operator')
                AND access_token.role IS DISTINCT FROM 'platform_operator'
                AND access_token.organization_id IS DISTINCT FROM tenant.organization_id
            THEN
                RAISE EXCEPTION 'the context has changed since the access token was checked'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;

            INSERT INTO tenancy.tenant_events (
                organization_id, tenant_id, event_type, old_values, new_values,
                token_id, token_label, actor_tenant_id, database_role, request_id
            )
            VALUES (
                tenant.organization_id,
                tenant.tenant_id,
                CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END
                    ::tenancy.tenant_event_type,
                CASE WHEN TG_OP <> 'INSERT' THEN tenancy_private.describe_tenant(OLD) END,
                CASE WHEN TG_OP <> 'DELETE' THEN tenancy_private.describe_tenant(NEW) END,
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
        CREATE OR REPLACE TRIGGER tenants_record_event
        AFTER INSERT OR UPDATE OR DELETE ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_tenant_event()
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy_private.record_row_event() RETURNS trigger
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
