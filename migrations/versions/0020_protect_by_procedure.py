"""Protect tables of tenants' rows by a procedure of the schema, so that the condition on a caller's reach stands once.

Until now every migration that adds a table repeated the condition, by a Python function of the service, and a later
version of that function would have changed what an earlier migration does. A migration calls the procedure of the
schema it runs on. Only the owner, who runs migrations, may execute the procedures.

`create_reach_policy` holds the condition. The policies on tenants and events that have it are created by it as well;
they stay as they were.
"""

from alembic import op

revision = "protect_by_procedure"
down_revision = "record_events_alike"
branch_labels = None
depends_on = None

POLICIES = (
    ("tenancy.tenants", "a_tenant_sees_itself_and_its_subsidiaries", "SELECT", "tenancy_api"),
    ("tenancy.tenants", "a_tenant_updates_itself_and_its_subsidiaries", "UPDATE", "tenancy_api"),
    ("tenancy.tenants", "a_platform_operator_sees_all", "SELECT", "tenancy_platform"),
    ("tenancy.tenants", "a_platform_operator_deletes_any", "DELETE", "tenancy_platform"),
    ("tenancy.tenant_events", "a_tenant_sees_events_of_itself_and_its_subsidiaries", "SELECT", "tenancy_api"),
    ("tenancy.tenant_events", "a_platform_operator_sees_all_events", "SELECT", "tenancy_platform"),
)
"""Table, policy, verb and role of those whose condition is the reach and nothing else."""


def upgrade() -> None:
    """Create the procedures, and the existing policies by the first of them. No request sees a difference."""
    # The form of the condition is explained in isolate_tenants and policies_first. In short: the first line costs
    # nothing, so no condition of a caller is evaluated before it; the arrays make the others index conditions that cost
    # as little as can be; and (SELECT ...) is evaluated once a statement.
    op.execute("""
        CREATE PROCEDURE tenancy_private.create_reach_policy(
            table_name  regclass,
            policy_name name,
            verb        text,
            role_name   regrole
        )
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            reach CONSTANT text := CASE role_name::text
                WHEN 'tenancy_api' THEN '
                    (JSON_OBJECT(organization_id: 1, tenant_id: 1 RETURNING jsonb))
                        [(SELECT tenancy.current_tenant_id()::text)] IS NOT NULL
                    AND organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
                    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
                    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
                '
                WHEN 'tenancy_platform' THEN '
                    (SELECT tenancy.first_organization_id_in_reach()) IS NOT NULL
                    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])
                '
            END;
        BEGIN
            IF reach IS NULL THEN
                RAISE EXCEPTION '% has no reach', role_name
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Use tenancy_api or tenancy_platform.';
            END IF;
            EXECUTE format(
                'CREATE POLICY %I ON %s FOR %s TO %s%s%s',
                policy_name,
                table_name,
                verb,
                role_name,
                CASE WHEN verb <> 'INSERT' THEN format(' USING (%s)', reach) END,
                CASE WHEN verb IN ('INSERT', 'UPDATE') THEN format(' WITH CHECK (%s)', reach) END
            );
        END
        $$
    """)
    op.execute("""
        CREATE PROCEDURE tenancy.protect_tenant_table(
            table_name     regclass,
            insert_columns text[]  DEFAULT '{}',
            update_columns text[]  DEFAULT '{}',
            may_delete     boolean DEFAULT false
        )
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            key           CONSTANT text[] := ARRAY['organization_id', 'tenant_id'];
            relation_name CONSTANT text   := (SELECT class.relname FROM pg_class AS class WHERE class.oid = table_name);
            statement     text;
        BEGIN
            IF update_columns && key THEN
                RAISE EXCEPTION 'the key of % may not be updated', table_name
                USING ERRCODE = 'invalid_parameter_value', HINT = 'A row never moves to another tenant.';
            END IF;

            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_name);

            -- The row type, and what the planner would sample: columns, and expressions of indexes.
            FOR statement IN
                SELECT format('REVOKE USAGE ON TYPE %s FROM PUBLIC', class.reltype::regtype)
                FROM pg_class AS class
                WHERE class.oid = table_name
                UNION ALL
                SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', table_name, attribute.attname)
                FROM pg_attribute AS attribute
                WHERE attribute.attrelid = table_name
                  AND attribute.attnum > 0
                  AND NOT attribute.attisdropped
                UNION ALL
                SELECT format(
                    'ALTER INDEX %s ALTER COLUMN %s SET STATISTICS 0', index.indexrelid::regclass, part.number
                )
                FROM pg_index AS index
                CROSS JOIN generate_series(1, index.indnkeyatts) AS part (number)
                WHERE index.indrelid = table_name
                  AND index.indkey[part.number - 1] = 0
            LOOP
                EXECUTE statement;
            END LOOP;

            -- For each verb that is granted two policies, and those before the grant.
            CALL tenancy_private.create_reach_policy(
                table_name, 'a_tenant_sees_rows_of_itself_and_its_subsidiaries', 'SELECT', 'tenancy_api'
            );
            CALL tenancy_private.create_reach_policy(
                table_name, 'a_platform_operator_sees_all_rows', 'SELECT', 'tenancy_platform'
            );
            EXECUTE format('GRANT SELECT ON %s TO tenancy_api, tenancy_platform', table_name);
            IF cardinality(insert_columns) > 0 THEN
                CALL tenancy_private.create_reach_policy(
                    table_name, 'a_tenant_adds_rows_to_itself_and_its_subsidiaries', 'INSERT', 'tenancy_api'
                );
                CALL tenancy_private.create_reach_policy(
                    table_name, 'a_platform_operator_adds_any_row', 'INSERT', 'tenancy_platform'
                );
                EXECUTE format(
                    'GRANT INSERT (%s) ON %s TO tenancy_api, tenancy_platform',
                    (
                        SELECT string_agg(DISTINCT quote_ident(allowed.column_name), ', ')
                        FROM unnest(key || insert_columns) AS allowed (column_name)
                    ),
                    table_name
                );
            END IF;
            IF cardinality(update_columns) > 0 THEN
                CALL tenancy_private.create_reach_policy(
                    table_name, 'a_tenant_updates_rows_of_itself_and_its_subsidiaries', 'UPDATE', 'tenancy_api'
                );
                CALL tenancy_private.create_reach_policy(
                    table_name, 'a_platform_operator_updates_all_rows', 'UPDATE', 'tenancy_platform'
                );
                EXECUTE format(
                    'GRANT UPDATE (%s) ON %s TO tenancy_api, tenancy_platform',
                    (
                        SELECT string_agg(DISTINCT quote_ident(allowed.column_name), ', ')
                        FROM unnest(update_columns) AS allowed (column_name)
                    ),
                    table_name
                );
            END IF;
            IF may_delete THEN
                CALL tenancy_private.create_reach_policy(
                    table_name, 'a_tenant_deletes_rows_of_itself_and_its_subsidiaries', 'DELETE', 'tenancy_api'
                );
                CALL tenancy_private.create_reach_policy(
                    table_name, 'a_platform_operator_deletes_any_row', 'DELETE', 'tenancy_platform'
                );
                EXECUTE format('GRANT DELETE ON %s TO tenancy_api, tenancy_platform', table_name);
            END IF;

            EXECUTE format(
                'CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s'
                ' FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event()',
                relation_name || '_record_event',
                table_name
            );
            EXECUTE format(
                'CREATE TRIGGER %I BEFORE TRUNCATE ON %s'
                ' FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.refuse_truncation()',
                relation_name || '_refuse_truncation',
                table_name
            );
        END
        $$
    """)
    op.execute("""
        CREATE PROCEDURE tenancy.unprotect_tenant_table(table_name regclass)
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            statement text;
        BEGIN
            -- The grants first: at no moment does the service reach the table without its policies.
            EXECUTE format('REVOKE ALL ON %s FROM tenancy_api, tenancy_platform', table_name);
            FOR statement IN
                SELECT format('DROP TRIGGER %I ON %s', trigger.tgname, table_name)
                FROM pg_trigger AS trigger
                WHERE trigger.tgrelid = table_name
                  AND trigger.tgfoid::regproc::text IN (
                      'tenancy_private.record_row_event', 'tenancy_private.refuse_truncation'
                  )
                UNION ALL
                SELECT format('DROP POLICY %I ON %s', policy.polname, table_name)
                FROM pg_policy AS policy
                WHERE policy.polrelid = table_name
                  AND policy.polroles::regrole[]::text[] <@ ARRAY['tenancy_api', 'tenancy_platform']
            LOOP
                EXECUTE statement;
            END LOOP;
            EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', table_name);
        END
        $$
    """)
    for table, policy, verb, role in POLICIES:
        op.execute(f"DROP POLICY {policy} ON {table}")
        op.execute(f"CALL tenancy_private.create_reach_policy('{table}', '{policy}', '{verb}', '{role}')")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'protect_by_procedure', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'record_events_alike'
        UNION ALL
        VALUES ('protect_by_procedure', 'record_events_alike')
    """)


def downgrade() -> None:
    """Drop the procedures. Tables that they protected stay protected."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'protect_by_procedure'")
    op.execute("DROP PROCEDURE tenancy.unprotect_tenant_table(regclass)")
    op.execute("DROP PROCEDURE tenancy.protect_tenant_table(regclass, text[], text[], boolean)")
    op.execute("DROP PROCEDURE tenancy_private.create_reach_policy(regclass, name, text, regrole)")
