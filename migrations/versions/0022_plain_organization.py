"""Make the tenants' organisation a plain column that a CHECK holds, no longer a generated one.

A generated column can be neither a partition key nor a replica identity for logical replication, so no organisation
could move to another server online. The value stays what it was: the parent where there is one, else the tenant.

A trigger fills the column in where a statement leaves it empty, as every statement of the service's roles does: they
have no INSERT or UPDATE on it. A value that is given, by the owner or by a restore, is not replaced; the CHECK refuses
it when it is another. Policies, NOT NULL and CHECK are evaluated after the trigger, so without it an insert fails.

All of it changes the catalogue only: no row is read or written, and the locks are held for milliseconds. The CHECK
holds for new rows from now on; the next migration validates it for those that are there.
"""

from alembic import op

revision = "plain_organization"
down_revision = "name_idempotency_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the expression and keep the values; then the trigger and the CHECK.

    Versions before insert without the column, as they must for a generated one, and may go on serving.
    """
    # The trigger takes the expression's place in this transaction.
    op.execute("""
        -- squawk-ignore ban-drop-generated-expression
        ALTER TABLE tenancy.tenants ALTER COLUMN organization_id DROP EXPRESSION
    """)
    op.execute("""
        CREATE FUNCTION tenancy_private.fill_in_organization() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            NEW.organization_id := coalesce(NEW.parent_tenant_id, NEW.tenant_id);
            RETURN NEW;
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER tenants_fill_in_organization
        BEFORE INSERT ON tenancy.tenants
        FOR EACH ROW
        WHEN (NEW.organization_id IS NULL)
        EXECUTE FUNCTION tenancy_private.fill_in_organization()
    """)
    # Also where session_replication_role is replica: a row that is replicated or restored has the value already.
    op.execute("ALTER TABLE tenancy.tenants ENABLE ALWAYS TRIGGER tenants_fill_in_organization")
    op.execute("""
        ALTER TABLE tenancy.tenants
        ADD CONSTRAINT tenants_organization_follows_from_the_parent
        CHECK (organization_id = coalesce(parent_tenant_id, tenant_id)) NOT VALID
    """)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'plain_organization', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'name_idempotency_keys'
        UNION ALL
        VALUES ('plain_organization', 'name_idempotency_keys')
    """)


def downgrade() -> None:
    """Write the table anew with the generated column: PostgreSQL cannot turn a column into one.

    Requests wait until all rows are copied. Columns, constraints, indexes, triggers, policies, grants and references
    are made anew from the catalogue, those of other migrations too. A view of the table must be dropped
    first: otherwise the downgrade fails and changes nothing.
    """
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'plain_organization'")
    op.execute("LOCK TABLE tenancy.tenants IN ACCESS EXCLUSIVE MODE")
    op.execute("DROP TRIGGER tenants_fill_in_organization ON tenancy.tenants")
    op.execute("DROP FUNCTION tenancy_private.fill_in_organization()")
    op.execute("ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_organization_follows_from_the_parent")
    # FORCE hides every row from the owner too, from the copy and from the check of foreign keys.
    op.execute("ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        DO $do$
        DECLARE
            old         CONSTANT regclass := 'tenancy.tenants';
            columns     text;
            definitions text;
            afterwards  text[];
            reference   record;
            statement   text;
        BEGIN
            SELECT string_agg(
                       format('%I %s', attribute.attname, format_type(attribute.atttypid, attribute.atttypmod))
                       || CASE
                           WHEN attribute.attname = 'organization_id'
                           THEN ' GENERATED ALWAYS AS (coalesce(parent_tenant_id, tenant_id)) STORED'
                           ELSE coalesce(' DEFAULT ' || pg_get_expr(value.adbin, value.adrelid), '')
                       END
                       || CASE WHEN attribute.attnotnull THEN ' NOT NULL' ELSE '' END,
                       ', ' ORDER BY attribute.attnum
                   ),
                   string_agg(quote_ident(attribute.attname), ', ' ORDER BY attribute.attnum)
                       FILTER (WHERE attribute.attname <> 'organization_id')
            INTO definitions, columns
            FROM pg_attribute AS attribute
            LEFT JOIN pg_attrdef AS value
              ON value.adrelid = attribute.attrelid
             AND value.adnum = attribute.attnum
            WHERE attribute.attrelid = old
              AND attribute.attnum > 0
              AND NOT attribute.attisdropped;

            -- What to do once the rows are there, in this order.
            SELECT array_agg(later.statement ORDER BY later.place, later.name)
            INTO afterwards
            FROM (
                SELECT CASE own.contype WHEN 'p' THEN 1 WHEN 'f' THEN 3 ELSE 2 END AS place,
                       own.conname::text AS name,
                       format(
                           'ALTER TABLE %s ADD CONSTRAINT %I %s',
                           own.conrelid::regclass, own.conname, pg_get_constraintdef(own.oid)
                       ) AS statement
                FROM pg_constraint AS own
                WHERE (own.conrelid = old AND own.contype IN ('p', 'u', 'c', 'x', 'f'))
                   OR (own.confrelid = old AND own.contype = 'f' AND own.conparentid = 0)
                UNION ALL
                SELECT 4, index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid)
                FROM pg_index AS index
                WHERE index.indrelid = old
                  AND NOT EXISTS (SELECT FROM pg_constraint AS own WHERE own.conindid = index.indexrelid)
                UNION ALL
                SELECT 5, attribute.attname, format(
                    'ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s',
                    old, attribute.attname, attribute.attstattarget
                )
                FROM pg_attribute AS attribute
                WHERE attribute.attrelid = old
                  AND attribute.attnum > 0
                  AND attribute.attstattarget IS NOT NULL
                UNION ALL
                SELECT 5, attribute.attrelid::regclass::text, format(
                    'ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s',
                    attribute.attrelid::regclass, attribute.attnum, attribute.attstattarget
                )
                FROM pg_index AS index
                JOIN pg_attribute AS attribute ON attribute.attrelid = index.indexrelid
                WHERE index.indrelid = old
                  AND attribute.attstattarget IS NOT NULL
                UNION ALL
                SELECT 6, trigger.tgname, pg_get_triggerdef(trigger.oid)
                FROM pg_trigger AS trigger
                WHERE trigger.tgrelid = old
                  AND NOT trigger.tgisinternal
                UNION ALL
                SELECT 7, trigger.tgname, format(
                    'ALTER TABLE %s %s TRIGGER %I',
                    old,
                    CASE trigger.tgenabled
                        WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA'
                    END,
                    trigger.tgname
                )
                FROM pg_trigger AS trigger
                WHERE trigger.tgrelid = old
                  AND NOT trigger.tgisinternal
                  AND trigger.tgenabled <> 'O'
                UNION ALL
                SELECT 8, policy.polname, format(
                    'CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s',
                    policy.polname,
                    old,
                    CASE WHEN policy.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                    CASE policy.polcmd
                        WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                        ELSE 'ALL'
                    END,
                    (
                        SELECT string_agg(CASE role.id WHEN 0 THEN 'PUBLIC' ELSE role.id::regrole::text END, ', ')
                        FROM unnest(policy.polroles) AS role (id)
                    ),
                    ' USING (' || pg_get_expr(policy.polqual, old) || ')',
                    ' WITH CHECK (' || pg_get_expr(policy.polwithcheck, old) || ')'
                )
                FROM pg_policy AS policy
                WHERE policy.polrelid = old
                UNION ALL
                SELECT 9, granted.grantee::regrole::text, format(
                    'GRANT %s ON %s TO %s',
                    string_agg(granted.privilege_type || coalesce(granted.of_column, ''), ', '),
                    old,
                    granted.grantee::regrole
                )
                FROM (
                    SELECT item.grantee, item.privilege_type, NULL AS of_column
                    FROM pg_class AS class
                    CROSS JOIN LATERAL aclexplode(class.relacl) AS item
                    WHERE class.oid = old
                      AND item.grantee NOT IN (0, class.relowner)
                    UNION ALL
                    SELECT item.grantee, item.privilege_type, format(' (%I)', attribute.attname)
                    FROM pg_attribute AS attribute
                    CROSS JOIN LATERAL aclexplode(attribute.attacl) AS item
                    WHERE attribute.attrelid = old
                ) AS granted
                GROUP BY granted.grantee
            ) AS later;

            EXECUTE format('CREATE TABLE tenancy.tenants_written_anew (%s)', definitions);
            EXECUTE format('INSERT INTO tenancy.tenants_written_anew (%1$s) SELECT %1$s FROM %2$s', columns, old);
            FOR reference IN
                SELECT other.conrelid::regclass AS table_name, other.conname
                FROM pg_constraint AS other
                WHERE other.confrelid = old
                  AND other.contype = 'f'
                  AND other.conparentid = 0
            LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference.table_name, reference.conname);
            END LOOP;
            DROP TABLE tenancy.tenants;
            ALTER TABLE tenancy.tenants_written_anew RENAME TO tenants;
            REVOKE USAGE ON TYPE tenancy.tenants FROM PUBLIC;
            FOREACH statement IN ARRAY afterwards LOOP
                EXECUTE statement;
            END LOOP;
        END
        $do$
    """)
    op.execute("ALTER TABLE tenancy.tenants ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy.tenants FORCE ROW LEVEL SECURITY")
