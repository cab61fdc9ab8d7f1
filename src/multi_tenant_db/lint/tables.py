"""Rules for tables with tenants' data and for views of them: row level security, indexes, views."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

RLS_NOT_ENABLED = Rule(
    "rls-not-enabled",
    "Without row level security a table shows every tenant's rows to each role with a grant.",
    text("""
        SELECT class.oid::regclass::text AS place,
               format(
                   'in its migration: CALL tenancy.protect_tenant_table(%L, ...); '
                   'or run: ALTER TABLE %s ENABLE ROW LEVEL SECURITY',
                   class.oid::regclass,
                   class.oid::regclass
               ) AS remedy
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND NOT class.relrowsecurity
    """),
)

RLS_NOT_FORCED = Rule(
    "rls-not-forced",
    "Without FORCE the policies do not apply to the table's owner, nor to functions that run as the owner.",
    text("""
        SELECT class.oid::regclass::text AS place,
               format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', class.oid::regclass) AS remedy
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND NOT class.relforcerowsecurity
    """),
)

INDEX_MISSING = Rule(
    "index-missing",
    "Policies select an interval of the tenant's key: without an index that begins with it, every statement reads the "
    "rows of all tenants, and its duration reveals their number.",
    text("""
        WITH key AS (
            SELECT attribute.attrelid AS table_id,
                   array_agg(attribute.attnum) AS columns,
                   string_agg(attribute.attname, ', ' ORDER BY attribute.attname) AS names
            FROM pg_catalog.pg_attribute AS attribute
            WHERE attribute.attrelid = ANY (CAST(:tenant_tables AS oid[]))
              AND attribute.attname IN ('organization_id', 'tenant_id')
              AND NOT attribute.attisdropped
            GROUP BY attribute.attrelid
        )
        SELECT format('%s (%s)', key.table_id::regclass, key.names) AS place,
               format('CREATE INDEX ON %s (%s), or begin the primary key with it', key.table_id::regclass, key.names)
                   AS remedy
        FROM key
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS index
            JOIN pg_catalog.pg_class AS class ON class.oid = index.indexrelid
            JOIN pg_catalog.pg_am AS method ON method.oid = class.relam
            WHERE index.indrelid = key.table_id
              AND index.indisvalid
              AND index.indpred IS NULL
              AND method.amname = 'btree'
              AND (CAST(index.indkey AS int2[]))[0 : cardinality(key.columns) - 1] @> key.columns
        )
    """),
)

VIEW_WITHOUT_SECURITY_INVOKER = Rule(
    "view-without-security-invoker",
    "A view reads with the policies of its owner, not of the caller: it shows rows that the caller may not see.",
    text("""
        WITH RECURSIVE reader (id) AS (
            SELECT unnest(CAST(:tenant_tables AS oid[]) || CAST(:unfinished_tables AS oid[]))
            UNION
            SELECT rewrite.ev_class
            FROM reader
            JOIN pg_catalog.pg_depend AS dependency
              ON dependency.refclassid = 'pg_catalog.pg_class'::regclass
             AND dependency.refobjid = reader.id
             AND dependency.classid = 'pg_catalog.pg_rewrite'::regclass
            JOIN pg_catalog.pg_rewrite AS rewrite ON rewrite.oid = dependency.objid
        )
        SELECT class.oid::regclass::text AS place,
               format('ALTER VIEW %s SET (security_invoker = true)', class.oid::regclass) AS remedy
        FROM reader
        JOIN pg_catalog.pg_class AS class ON class.oid = reader.id
        WHERE class.relkind = 'v'
          AND NOT EXISTS (
              SELECT
              FROM pg_catalog.pg_options_to_table(class.reloptions) AS option
              WHERE option.option_name = 'security_invoker'
                AND option.option_value::boolean
          )
    """),
)

RELATION_WITHOUT_POLICIES = Rule(
    "relation-without-policies",
    "PostgreSQL has no policies for materialised views and foreign tables: a role with a grant reads every tenant's "
    "rows in it.",
    text("""
        WITH RECURSIVE reader (id) AS (
            SELECT unnest(CAST(:tenant_tables AS oid[]) || CAST(:unfinished_tables AS oid[]))
            UNION
            SELECT rewrite.ev_class
            FROM reader
            JOIN pg_catalog.pg_depend AS dependency
              ON dependency.refclassid = 'pg_catalog.pg_class'::regclass
             AND dependency.refobjid = reader.id
             AND dependency.classid = 'pg_catalog.pg_rewrite'::regclass
            JOIN pg_catalog.pg_rewrite AS rewrite ON rewrite.oid = dependency.objid
        )
        SELECT class.oid::regclass::text AS place,
               CASE class.relkind
                   WHEN 'm' THEN format('DROP MATERIALIZED VIEW %s, and use a table with policies', class.oid::regclass)
                   ELSE format('DROP FOREIGN TABLE %s, and use a table with policies', class.oid::regclass)
               END AS remedy
        FROM pg_catalog.pg_class AS class
        WHERE (class.relkind = 'm' AND class.oid IN (SELECT reader.id FROM reader))
           OR (
               class.relkind = 'f'
               AND EXISTS (
                   SELECT
                   FROM pg_catalog.pg_attribute AS attribute
                   WHERE attribute.attrelid = class.oid
                     AND attribute.attname IN ('tenant_id', 'organization_id', 'parent_tenant_id')
                     AND attribute.atttypid = 'uuid'::regtype
               )
           )
    """),
)

TABLE_UNFINISHED = Rule(
    "table-unfinished",
    "The table is not protected yet; the service has no privilege on it.",
    text("""
        SELECT class.oid::regclass::text AS place,
               format('run `mtdb table status %s` and the commands that it names', class.oid::regclass) AS remedy
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (CAST(:unfinished_tables AS oid[]))
    """),
    is_warning=True,
)

TABLE_RULES = (
    RLS_NOT_ENABLED,
    RLS_NOT_FORCED,
    INDEX_MISSING,
    VIEW_WITHOUT_SECURITY_INVOKER,
    RELATION_WITHOUT_POLICIES,
    TABLE_UNFINISHED,
)
