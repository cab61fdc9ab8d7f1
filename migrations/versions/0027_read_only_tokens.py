"""Let an access token be read-only: the policies refuse its writes, whatever the SQL.

The policies of INSERT, UPDATE and DELETE ask functions that raise MT002 for a token that may not write, where those of
SELECT ask the plain ones. They ask one for the tenant and one for the organisation, so that a caller with two tokens
cannot add the reach of a read-only token to the right of another. The organisation is an index condition: a refused
statement fails before it looks at a row. Idempotency keys and the audit trail's trigger refuse such a token, too.

WITH CHECK of an update stays as it was: the row has passed USING, and its key cannot change. It is the condition of
SELECT, and PostgreSQL evaluates equal ones once.

Every token that exists may write. A table's own policies of another form stay as they are; `mtdb check` names them.
"""

from alembic import op

revision = "read_only_tokens"
down_revision = "move_organizations"
branch_labels = None
depends_on = None

FUNCTIONS = {
    "writable_tenant_id": (
        "access_token.tenant_id",
        "The tenant of the presented token; error MT002 if the token is read-only.",
    ),
    "writable_organization_id": (
        "access_token.organization_id",
        "The organisation of the presented token; error MT002 if the token is read-only.",
    ),
    "first_writable_organization_id": (
        "CASE WHEN access_token.role = 'platform_operator' THEN '00000000-0000-0000-0000-000000000000'::uuid END",
        "The nil UUID for a platform operator, otherwise NULL; error MT002 if the token is read-only.",
    ),
}

# As PostgreSQL prints them.
KEY = "(JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))"
INTERVAL = (
    " AND (tenant_id >= ANY (ARRAY[( SELECT tenancy.first_tenant_id_in_reach() AS first_tenant_id_in_reach)]))"
    " AND (tenant_id <= ANY (ARRAY[( SELECT tenancy.last_tenant_id_in_reach() AS last_tenant_id_in_reach)]))"
)
IN_ORDER = " AND tenancy.policies_come_first()"


def _is_in_key(function: str) -> str:
    return f"({KEY}[( SELECT (tenancy.{function}())::text AS {function})] IS NOT NULL)"


def _is_any(column: str, operator: str, function: str) -> str:
    return f"({column} {operator} ANY (ARRAY[( SELECT tenancy.{function}() AS {function})]))"


def _is(column: str, function: str) -> str:
    return f"({column} = ( SELECT tenancy.{function}() AS {function}))"


def _is_given(function: str) -> str:
    return f"(( SELECT tenancy.{function}() AS {function}) IS NOT NULL)"


TENANT, ORGANIZATION, FIRST = "current_tenant_id", "current_organization_id", "first_organization_id_in_reach"
MY_TENANT, MY_ORGANIZATION, MY_FIRST = FUNCTIONS

CONDITIONS = (
    (
        f"({_is_in_key(TENANT)} AND {_is_any('organization_id', '=', ORGANIZATION)}{INTERVAL}{IN_ORDER})",
        f"({_is_in_key(MY_TENANT)} AND {_is_any('organization_id', '=', MY_ORGANIZATION)}{INTERVAL}{IN_ORDER})",
    ),
    (
        f"({_is('organization_id', ORGANIZATION)} AND {_is('parent_tenant_id', TENANT)})",
        f"({_is('organization_id', MY_ORGANIZATION)} AND {_is('parent_tenant_id', MY_TENANT)})",
    ),
    (
        f"({_is_in_key(TENANT)} AND {_is_any('parent_tenant_id', '=', TENANT)}{IN_ORDER})",
        (
            f"({_is_in_key(MY_TENANT)} AND {_is_any('organization_id', '=', MY_ORGANIZATION)}"
            f" AND {_is_any('parent_tenant_id', '=', MY_TENANT)}{IN_ORDER})"
        ),
    ),
    (
        f"({_is_given(FIRST)} AND {_is_any('organization_id', '>=', FIRST)}{IN_ORDER})",
        f"({_is_given(MY_FIRST)} AND {_is_any('organization_id', '>=', MY_FIRST)}{IN_ORDER})",
    ),
    ("( SELECT tenancy.is_platform_operator() AS is_platform_operator)", _is_given(MY_FIRST)),
)
"""For each form of a policy that writes: the condition before, and after."""

REFUSAL = """
                RAISE EXCEPTION 'the access token is read-only'
                USING ERRCODE = 'MT002';
            END IF;
"""

KEY_OWNER = "tenancy_private.caller_tenant_id()"
KEY_OF_ANY = "            RETURN coalesce(access_token.tenant_id, "
KEY_OF_WRITER = f"            IF NOT access_token.may_write THEN{REFUSAL}{KEY_OF_ANY}"

RECORD = "tenancy_private.record_row_event()"
RECORD_ANY = "            INSERT INTO tenancy.tenant_events ("
IS_BOUND = "session_user IN ('tenancy_api', 'tenancy_operator')"
RECORD_WRITER = f"            IF {IS_BOUND} AND NOT access_token.may_write THEN{REFUSAL}\n{RECORD_ANY}"


REACH = """\
            reach CONSTANT text := CASE role_name::text
                WHEN 'tenancy_api' THEN '
                    (JSON_OBJECT(organization_id: 1, tenant_id: 1 RETURNING jsonb))
                        [(SELECT tenancy.current_tenant_id()::text)] IS NOT NULL
                    AND organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
                    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
                    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
                    AND tenancy.policies_come_first()
                '
                WHEN 'tenancy_platform' THEN '
                    (SELECT tenancy.first_organization_id_in_reach()) IS NOT NULL
                    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])
                    AND tenancy.policies_come_first()
                '
            END;
"""
REACH_BY_VERB = """\
            reach   CONSTANT text := CASE role_name::text
                WHEN 'tenancy_api' THEN '
                    (JSON_OBJECT(organization_id: 1, tenant_id: 1 RETURNING jsonb))
                        [(SELECT tenancy.%1$I()::text)] IS NOT NULL
                    AND organization_id = ANY (ARRAY[(SELECT tenancy.%2$I())])
                    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
                    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
                    AND tenancy.policies_come_first()
                '
                WHEN 'tenancy_platform' THEN '
                    (SELECT tenancy.%3$I()) IS NOT NULL
                    AND organization_id >= ANY (ARRAY[(SELECT tenancy.%3$I())])
                    AND tenancy.policies_come_first()
                '
            END;
            to_read  CONSTANT text := format(
                reach, 'current_tenant_id', 'current_organization_id', 'first_organization_id_in_reach'
            );
            to_write CONSTANT text := format(
                reach, 'writable_tenant_id', 'writable_organization_id', 'first_writable_organization_id'
            );
"""
CLAUSES = """\
                CASE WHEN verb <> 'INSERT' THEN format(' USING (%s)', reach) END,
                CASE WHEN verb IN ('INSERT', 'UPDATE') THEN format(' WITH CHECK (%s)', reach) END
"""
CLAUSES_BY_VERB = """\
                CASE verb WHEN 'SELECT' THEN format(' USING (%s)', to_read)
                          WHEN 'UPDATE' THEN format(' USING (%s)', to_write)
                          WHEN 'DELETE' THEN format(' USING (%s)', to_write) END,
                CASE verb WHEN 'INSERT' THEN format(' WITH CHECK (%s)', to_write)
                          WHEN 'UPDATE' THEN format(' WITH CHECK (%s)', to_read) END
"""


def upgrade() -> None:
    """Add the column and three functions, and have every policy that writes ask them."""
    # In a transaction of its own: callers lock tokens and tenants in either order, so holding one lock while it waits
    # for the other would be a deadlock.
    with op.get_context().autocommit_block():
        op.execute(
            "ALTER TABLE tenancy_private.access_tokens ADD COLUMN IF NOT EXISTS may_write boolean NOT NULL DEFAULT true"
        )
    op.execute("ALTER TABLE tenancy_private.access_tokens ALTER COLUMN may_write SET STATISTICS 0")
    op.execute("""
        COMMENT ON COLUMN tenancy_private.access_tokens.may_write IS
        'False for a read-only token: policies refuse its writes with MT002.'
    """)
    for name, (result, comment) in FUNCTIONS.items():
        op.execute(f"""
            CREATE FUNCTION tenancy.{name}() RETURNS uuid
            LANGUAGE plpgsql
            STABLE
            SECURITY DEFINER
            PARALLEL RESTRICTED
            SET search_path = pg_catalog, pg_temp
            AS $$
            DECLARE
                access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
            BEGIN
                IF NOT access_token.may_write THEN
                    RAISE EXCEPTION 'the access token is read-only'
                    USING ERRCODE = 'MT002';
                END IF;
                RETURN {result};
            END
            $$
        """)
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{name}() TO tenancy_api, tenancy_platform")
        op.execute(f"COMMENT ON FUNCTION tenancy.{name}() IS '{comment}'")
    for before, after in CONDITIONS:
        _change(before, after)
    _create_reach_policy(REACH_BY_VERB, CLAUSES_BY_VERB)
    _replace(KEY_OWNER, KEY_OF_ANY, KEY_OF_WRITER)
    _replace(RECORD, RECORD_ANY, RECORD_WRITER)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'read_only_tokens', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'move_organizations'
        UNION ALL
        VALUES ('read_only_tokens', 'move_organizations')
    """)


def downgrade() -> None:
    """Put the former conditions back. Read-only tokens are deleted: without the column they could write."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'read_only_tokens'")
    op.execute("DELETE FROM tenancy_private.access_tokens WHERE NOT may_write")
    _replace(RECORD, RECORD_WRITER, RECORD_ANY)
    _replace(KEY_OWNER, KEY_OF_WRITER, KEY_OF_ANY)
    _create_reach_policy(REACH, CLAUSES)
    for before, after in reversed(CONDITIONS):
        _change(after, before)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION tenancy.{name}()")
    op.execute("ALTER TABLE tenancy_private.access_tokens DROP COLUMN may_write")


def _change(before: str, after: str) -> None:
    """Replace a condition in all policies that write."""
    op.execute(f"""
        DO $do$
        DECLARE
            statement text;
        BEGIN
            FOR statement IN
                SELECT concat(
                    format('ALTER POLICY %I ON %s', policy.polname, class.oid::regclass),
                    CASE WHEN condition.reached = former.expression THEN ' USING ({after})' END,
                    CASE WHEN condition.let_in = former.expression THEN ' WITH CHECK ({after})' END
                )
                FROM pg_catalog.pg_policy AS policy
                JOIN pg_catalog.pg_class AS class ON class.oid = policy.polrelid
                CROSS JOIN LATERAL (
                    SELECT pg_get_expr(policy.polqual, class.oid) AS reached,
                           CASE WHEN policy.polcmd = 'a' THEN pg_get_expr(policy.polwithcheck, class.oid) END AS let_in
                ) AS condition
                CROSS JOIN (SELECT '{before}' AS expression) AS former
                WHERE policy.polcmd IN ('a', 'w', 'd')
                  AND class.relnamespace::regnamespace::text = 'tenancy'
                  AND former.expression IN (condition.reached, condition.let_in)
            LOOP
                EXECUTE statement;
            END LOOP;
        END
        $do$
    """)  # noqa: S608 - the conditions are constants of this file


def _create_reach_policy(declarations: str, clauses: str) -> None:
    """Replace the procedure that creates policies, with other declarations and clauses."""
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
{declarations}        BEGIN
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
{clauses}            );
        END
        $$
    """)


def _replace(function: str, old: str, new: str) -> None:
    """Replace a passage of a function; the rest of it stays as it is."""
    op.execute(f"""
        DO $do$
        BEGIN
            EXECUTE replace(pg_get_functiondef('{function}'::regprocedure), $old${old}$old$, $new${new}$new$);
        END
        $do$
    """)
