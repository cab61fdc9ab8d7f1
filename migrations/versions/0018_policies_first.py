"""Begin every policy with a condition that costs nothing, so that no condition of a caller comes before it.

PostgreSQL sorts the conditions on a table by their cost, and lets leakproof ones of the caller, such as
`('{"HSBC London": 1}'::jsonb)[name] IS NOT NULL` or `parent_tenant_id IS NULL`, take part in that. Subscripts and tests
for NULL cost nothing. Until now the cheapest condition of a policy cost half an operator, so a caller's came first on a
hidden row, and whether the policy was still asked could be seen: in EXPLAIN ANALYZE, or from the error of a bad token.

A condition that costs nothing as well comes first, since of equal costs the policies' are taken first. The first one
now says the whole reach of a tenant: the object whose keys are the row's organisation and the row's tenant has the
caller's id as a key. It takes the place of the condition that was last and said the same with an operator. For a
platform operator it asks whether there is one.

Covers every table of the schema whose policies have the former conditions, those that other migrations made as well.
"""

from alembic import op

revision = "policies_first"
down_revision = "validate_bounds"
branch_labels = None
depends_on = None

# As PostgreSQL prints them.
ORGANIZATION = "(organization_id = ANY (ARRAY[( SELECT tenancy.current_organization_id() AS current_organization_id)]))"
FIRST_TENANT = "(tenant_id >= ANY (ARRAY[( SELECT tenancy.first_tenant_id_in_reach() AS first_tenant_id_in_reach)]))"
LAST_TENANT = "(tenant_id <= ANY (ARRAY[( SELECT tenancy.last_tenant_id_in_reach() AS last_tenant_id_in_reach)]))"
MYSELF = "(( SELECT tenancy.current_tenant_id() AS current_tenant_id) = ANY (ARRAY[organization_id, tenant_id]))"
MINE = "(parent_tenant_id = ANY (ARRAY[( SELECT tenancy.current_tenant_id() AS current_tenant_id)]))"
OPERATORS = (
    "(organization_id >= ANY (ARRAY[( SELECT tenancy.first_organization_id_in_reach()"
    " AS first_organization_id_in_reach)]))"
)
IN_REACH = (
    "((JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))"
    "[( SELECT (tenancy.current_tenant_id())::text AS current_tenant_id)] IS NOT NULL)"
)
IS_OPERATOR = "(( SELECT tenancy.first_organization_id_in_reach() AS first_organization_id_in_reach) IS NOT NULL)"
INTERVAL = f"{ORGANIZATION} AND {FIRST_TENANT} AND {LAST_TENANT}"

CHANGES = (
    (f"({INTERVAL} AND {MYSELF})", f"({IN_REACH} AND {INTERVAL})"),
    (MINE, f"({IN_REACH} AND {MINE})"),
    (OPERATORS, f"({IS_OPERATOR} AND {OPERATORS})"),
)


def upgrade() -> None:
    """Change each condition that is word for word as before, for rows that are reached and rows that are let in."""
    for before, after in CHANGES:
        _change(before, after)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        VALUES
            ('policies_first', 'keep_plans'),
            ('policies_first', 'keep_no_statistics'),
            ('policies_first', 'stamp_with_the_clock'),
            ('policies_first', 'bound_texts'),
            ('policies_first', 'forget_the_expired'),
            ('policies_first', 'validate_bounds')
    """)


def downgrade() -> None:
    """Put the former conditions back; what they let be seen can be seen again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'policies_first'")
    for before, after in reversed(CHANGES):
        _change(after, before)


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
