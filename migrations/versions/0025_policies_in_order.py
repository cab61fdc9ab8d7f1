"""Have the planner evaluate policies before every condition of a query, whatever either costs.

PostgreSQL evaluates a table's conditions by security level, the policies' before the query's. There is one exception: a
leakproof condition of the query that costs less than ten operators gets the policies' own level. There the cheaper one
comes first, and of equal ones the one that stands first. Since policies_first the policies begin with a condition that
costs nothing, and in most queries they stand first. In the branches of a UNION ALL that the planner flattens they stand
last: there `('{"HSBC London": 1}'::jsonb)[name] IS NOT NULL` came before the policy, on every release, and EXPLAIN
ANALYZE revealed whether any tenant has that name.

With cpu_operator_cost = 0 nothing costs less than ten operators, so the exception is void. A caller may set any cost,
so the policies set it themselves: each ends with a function that is IMMUTABLE in order to be evaluated while a
statement is planned, before its conditions are put in order. It is not in the plan. A kept plan was made in this order
and keeps it. The function decides no access: without it the same rows are visible.
"""

from alembic import op

revision = "policies_in_order"
down_revision = "describe_schema"
branch_labels = None
depends_on = None

# As PostgreSQL prints them.
CONDITIONS = (
    (
        "((JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))"
        "[( SELECT (tenancy.current_tenant_id())::text AS current_tenant_id)] IS NOT NULL)"
        " AND (organization_id = ANY (ARRAY[( SELECT tenancy.current_organization_id() AS current_organization_id)]))"
        " AND (tenant_id >= ANY (ARRAY[( SELECT tenancy.first_tenant_id_in_reach() AS first_tenant_id_in_reach)]))"
        " AND (tenant_id <= ANY (ARRAY[( SELECT tenancy.last_tenant_id_in_reach() AS last_tenant_id_in_reach)]))"
    ),
    (
        "((JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))"
        "[( SELECT (tenancy.current_tenant_id())::text AS current_tenant_id)] IS NOT NULL)"
        " AND (parent_tenant_id = ANY (ARRAY[( SELECT tenancy.current_tenant_id() AS current_tenant_id)]))"
    ),
    (
        "(( SELECT tenancy.first_organization_id_in_reach() AS first_organization_id_in_reach) IS NOT NULL)"
        " AND (organization_id >= ANY (ARRAY[( SELECT tenancy.first_organization_id_in_reach()"
        " AS first_organization_id_in_reach)]))"
    ),
)
GUARD = "tenancy.policies_come_first()"


def upgrade() -> None:
    """Create the function, end every policy of the known forms with it, and also those that are made later."""
    op.execute("""
        CREATE FUNCTION tenancy.policies_come_first() RETURNS boolean
        LANGUAGE plpgsql
        IMMUTABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            IF current_setting('cpu_operator_cost') <> '0' THEN
                PERFORM set_config('cpu_operator_cost', '0', true);
            END IF;
            RETURN true;
        END
        $$
    """)
    op.execute("GRANT EXECUTE ON FUNCTION tenancy.policies_come_first() TO tenancy_api, tenancy_platform")
    op.execute("""
        COMMENT ON FUNCTION tenancy.policies_come_first() IS
        'Sets cpu_operator_cost = 0 while a statement is planned, so that its conditions come after the policies.'
    """)
    for condition in CONDITIONS:
        _change(f"({condition})", f"({condition} AND {GUARD})")
    _create_reach_policy(f"\n                    AND {GUARD}")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'policies_in_order', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'describe_schema'
        UNION ALL
        VALUES ('policies_in_order', 'describe_schema')
    """)


def downgrade() -> None:
    """Put the former conditions back; what they let be seen can be seen again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'policies_in_order'")
    _create_reach_policy("")
    for condition in CONDITIONS:
        _change(f"({condition} AND {GUARD})", f"({condition})")
    op.execute("DROP FUNCTION tenancy.policies_come_first()")


def _change(before: str, after: str) -> None:
    op.execute(f"""
        DO $do$
        DECLARE
            statement text;
        BEGIN
            FOR statement IN
                SELECT concat(
                    format('ALTER POLICY %I ON %s', policy.polname, class.oid::regclass),
                    CASE WHEN condition.reached = former.expression THEN ' USING {after}' END,
                    CASE WHEN condition.let_in = former.expression THEN ' WITH CHECK {after}' END
                )
                FROM pg_catalog.pg_policy AS policy
                JOIN pg_catalog.pg_class AS class ON class.oid = policy.polrelid
                CROSS JOIN LATERAL (
                    SELECT pg_get_expr(policy.polqual, class.oid) AS reached,
                           pg_get_expr(policy.polwithcheck, class.oid) AS let_in
                ) AS condition
                CROSS JOIN (SELECT '{before}' AS expression) AS former
                WHERE class.relnamespace::regnamespace::text = 'tenancy'
                  AND former.expression IN (condition.reached, condition.let_in)
            LOOP
                EXECUTE statement;
            END LOOP;
        END
        $do$
    """)  # noqa: S608 - the conditions are constants of this file


def _create_reach_policy(guard: str) -> None:
    op.execute(f"""
        CREATE OR REPLACE PROCEDURE tenancy_private.create_reach_policy(
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
                    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())]){guard}
                '
                WHEN 'tenancy_platform' THEN '
                    (SELECT tenancy.first_organization_id_in_reach()) IS NOT NULL
                    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())]){guard}
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
