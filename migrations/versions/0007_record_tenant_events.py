"""Record every change of a tenant: who, what, when, on which request; in the same transaction, by the database itself.

Append-only: no role is granted more than reading. Events outlive their tenant: no foreign key binds them, so a
parent still reads what became of a subsidiary, and a platform operator what became of a parent. A trigger writes them,
so no path to the table escapes; it runs as the owner, whose only right on events is to add one.
"""

from alembic import op

revision = "record_tenant_events"
down_revision = "create_token_administration"
branch_labels = None
depends_on = None

POLICIES = (
    "a_tenant_sees_events_of_itself_and_its_subsidiaries",
    "a_platform_operator_sees_all_events",
    "the_trigger_adds_events",
)


def upgrade() -> None:
    """Create the table, its policies, and the trigger that fills it."""
    op.execute("CREATE TYPE tenancy.tenant_event_type AS ENUM ('created', 'updated', 'deleted')")
    op.execute("""
        CREATE TABLE tenancy.tenant_events (
            organization_id uuid                      NOT NULL,
            tenant_id       uuid                      NOT NULL,
            event_id        uuid                      NOT NULL DEFAULT tenancy.uuid_v7(),
            event_type      tenancy.tenant_event_type NOT NULL,
            occurred_at     timestamptz               NOT NULL DEFAULT clock_timestamp(),
            old_values      jsonb,
            new_values      jsonb,
            -- The token that proved the caller. Empty for a change that was not made through the service.
            token_id        uuid,
            token_label     text,
            actor_tenant_id uuid,
            database_role   text                      NOT NULL,
            -- As the service gave it to sign_in: it leads to the log, it proves nothing.
            request_id      text,

            CONSTRAINT tenant_events_pkey
                PRIMARY KEY (organization_id, tenant_id, event_id),
            CONSTRAINT tenant_events_values_fit_the_type
                CHECK (
                    (event_type = 'created') = (old_values IS NULL)
                    AND (event_type = 'deleted') = (new_values IS NULL)
                )
        )
    """)
    op.execute("REVOKE USAGE ON TYPE tenancy.tenant_events FROM PUBLIC")
    op.execute("""
        CREATE INDEX tenant_events_event_id ON tenancy.tenant_events (event_id, organization_id, tenant_id)
    """)

    # As for the tenants: nothing to read in the planner's guesses but ids.
    op.execute("""
        ALTER TABLE tenancy.tenant_events
        ALTER COLUMN event_type SET STATISTICS 0,
        ALTER COLUMN occurred_at SET STATISTICS 0,
        ALTER COLUMN old_values SET STATISTICS 0,
        ALTER COLUMN new_values SET STATISTICS 0,
        ALTER COLUMN token_label SET STATISTICS 0,
        ALTER COLUMN database_role SET STATISTICS 0,
        ALTER COLUMN request_id SET STATISTICS 0
    """)

    op.execute("""
        CREATE FUNCTION tenancy_private.describe_tenant(tenant tenancy.tenants) RETURNS jsonb
        LANGUAGE sql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        RETURN jsonb_build_object(
            'name', tenant.name,
            'tenant_type', tenant.tenant_type,
            'parent_tenant_id', tenant.parent_tenant_id,
            'metadata', tenant.metadata,
            'version', tenant.version
        )
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
        CREATE TRIGGER tenants_record_event
        AFTER INSERT OR UPDATE OR DELETE ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_tenant_event()
    """)
    op.execute("""
        CREATE FUNCTION tenancy_private.refuse_truncation() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            RAISE EXCEPTION 'tenants are deleted, not truncated, which would record no event'
            USING ERRCODE = 'feature_not_supported', HINT = 'Use DELETE.';
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER tenants_refuse_truncation
        BEFORE TRUNCATE ON tenancy.tenants
        FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.refuse_truncation()
    """)

    # The owner, too, may only add: were the trigger's function ever turned against us, it could not rewrite history.
    op.execute("REVOKE ALL ON tenancy.tenant_events FROM tenancy_owner")
    op.execute("GRANT INSERT ON tenancy.tenant_events TO tenancy_owner")
    op.execute("GRANT SELECT ON tenancy.tenant_events TO tenancy_api, tenancy_platform")
    op.execute("ALTER TABLE tenancy.tenant_events ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy.tenant_events FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY a_tenant_sees_events_of_itself_and_its_subsidiaries ON tenancy.tenant_events
        FOR SELECT TO tenancy_api
        USING (
            organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
            AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
            AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
            AND (SELECT tenancy.current_tenant_id()) = ANY (ARRAY[organization_id, tenant_id])
        )
    """)
    op.execute("""
        CREATE POLICY a_platform_operator_sees_all_events ON tenancy.tenant_events
        FOR SELECT TO tenancy_platform
        USING (organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())]))
    """)
    op.execute("""
        CREATE POLICY the_trigger_adds_events ON tenancy.tenant_events
        FOR INSERT TO tenancy_owner
        WITH CHECK (true)
    """)


def downgrade() -> None:
    """Drop the events: what was recorded is lost. Copy the table first if the events may be needed."""
    op.execute("DROP TRIGGER tenants_refuse_truncation ON tenancy.tenants")
    op.execute("DROP FUNCTION tenancy_private.refuse_truncation()")
    op.execute("DROP TRIGGER tenants_record_event ON tenancy.tenants")
    op.execute("DROP FUNCTION tenancy_private.record_tenant_event()")
    op.execute("DROP FUNCTION tenancy_private.describe_tenant(tenancy.tenants)")
    op.execute("DROP TABLE tenancy.tenant_events")
    op.execute("DROP TYPE tenancy.tenant_event_type")
