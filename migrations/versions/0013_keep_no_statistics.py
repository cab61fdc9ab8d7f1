"""Keep no statistics of what tenants wrote: the planner shows its statistics to every role that may run EXPLAIN.

Row estimates come from a sample of all rows, hidden ones too, and no policy covers them. Until now columns that tenants
write were left out of the sample, but not ids, and not the expression of the index on names: EXPLAIN told names letter
by letter. For ids, a histogram also makes the planner look up the newest value in the index itself, so EXPLAIN told the
newest id of any tenant, even an uncommitted one. Without statistics neither exists. The policies make every condition
an index condition, so plans do not need them.

Covers every table in the two schemas, those that other migrations added as well. Takes no lock that reads or writes
wait for, except where the administrator is no superuser: then the indexes with expressions are built anew, and writes
to their tables wait.
"""

from alembic import op

revision = "keep_no_statistics"
down_revision = "keep_plans"
branch_labels = None
depends_on = None

SAMPLED_BEFORE = {
    "tenancy.tenants": ("tenant_id", "organization_id", "parent_tenant_id"),
    "tenancy.tenant_events": ("organization_id", "tenant_id", "event_id", "token_id", "actor_tenant_id"),
    "tenancy_private.access_tokens": (
        *("token_hash", "token_id", "role", "organization_id", "tenant_id", "label"),
        *("created_at", "expires_at", "revoked_at"),
    ),
    "tenancy_private.remembered_requests": ("tenant_id", "idempotency_key", "request_hash", "answer", "created_at"),
}


def upgrade() -> None:
    """Take no more samples, then delete those that were taken."""
    op.execute("""
        DO $$
        DECLARE
            statement text;
        BEGIN
            FOR statement IN
                SELECT format(
                    'ALTER TABLE %s %s',
                    class.oid::regclass,
                    string_agg(format('ALTER COLUMN %I SET STATISTICS 0', attribute.attname), ', ')
                )
                FROM pg_catalog.pg_class AS class
                JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
                WHERE class.relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
                  AND class.relkind IN ('r', 'p')
                  AND attribute.attnum > 0
                  AND NOT attribute.attisdropped
                  AND attribute.attstattarget IS DISTINCT FROM 0
                GROUP BY class.oid
                UNION ALL
                SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS 0', class.oid::regclass, attribute.attnum)
                FROM pg_catalog.pg_index AS index
                JOIN pg_catalog.pg_class AS class ON class.oid = index.indexrelid
                JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
                WHERE class.relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
                  AND index.indkey[attribute.attnum - 1] = 0
                  AND attribute.attnum <= index.indnkeyatts
            LOOP
                EXECUTE statement;
            END LOOP;
        END
        $$
    """)

    # ANALYZE keeps the statistics of a column whose target is 0, and only a superuser can delete them.
    op.execute("RESET ROLE")
    op.execute("""
        DO $$
        BEGIN
            IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
                DELETE FROM pg_catalog.pg_statistic
                WHERE starelid IN (
                    SELECT class.oid
                    FROM pg_catalog.pg_class AS class
                    WHERE class.relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
                );
            ELSE
                RAISE WARNING 'not a superuser: samples of ids taken before stay; dump and restore to be rid of them';
            END IF;
        END
        $$
    """)
    op.execute("SET ROLE tenancy_owner")

    # An index takes the statistics of its expression along. One transaction for index and target: no ANALYZE between.
    op.execute("""
        DO $$
        DECLARE
            expression record;
        BEGIN
            IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user) THEN
                RETURN;
            END IF;
            FOR expression IN
                SELECT class.oid::regclass AS index_name,
                       pg_get_indexdef(class.oid) AS definition,
                       string_agg(format('ALTER COLUMN %s SET STATISTICS 0', attribute.attnum), ', ') AS actions
                FROM pg_catalog.pg_index AS index
                JOIN pg_catalog.pg_class AS class ON class.oid = index.indexrelid
                JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
                WHERE class.relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
                  AND index.indkey[attribute.attnum - 1] = 0
                  AND attribute.attnum <= index.indnkeyatts
                GROUP BY class.oid
            LOOP
                EXECUTE format('DROP INDEX %s', expression.index_name);
                EXECUTE expression.definition;
                EXECUTE format('ALTER INDEX %s %s', expression.index_name, expression.actions);
            END LOOP;
        END
        $$
    """)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        VALUES ('keep_no_statistics', 'keep_plans')
    """)


def downgrade() -> None:
    """Let ANALYZE sample again what it sampled before; the tables of other migrations stay without."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'keep_no_statistics'")
    op.execute("ALTER INDEX tenancy.tenants_name_unique_in_organization ALTER COLUMN 2 SET STATISTICS DEFAULT")
    for table, columns in SAMPLED_BEFORE.items():
        actions = ", ".join(f"ALTER COLUMN {column} SET STATISTICS DEFAULT" for column in columns)
        op.execute(f"ALTER TABLE {table} {actions}")
