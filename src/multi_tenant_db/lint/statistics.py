"""Rules for the planner's statistics of tenants' rows: EXPLAIN shows them to every role, and no policy restricts them.

They are samples and counts of all rows: of columns, of index expressions, of extended statistics
objects, and the number of entries of a partial index.
"""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

MEANING = (
    "The planner's row estimates come from a sample of all tenants' rows; through them EXPLAIN reveals hidden values, "
    "letter by letter, without a token."
)

STATISTICS_ALLOWED = Rule(
    "statistics-allowed",
    f"{MEANING} The next ANALYZE takes such a sample.",
    text("""
        SELECT format('%s (%s)', class.oid::regclass, string_agg(attribute.attname, ', ' ORDER BY attribute.attnum))
                   AS place,
               format(
                   'run `mtdb migrate`, or: ALTER TABLE %s %s',
                   class.oid::regclass,
                   string_agg(
                       format('ALTER COLUMN %I SET STATISTICS 0', attribute.attname), ', ' ORDER BY attribute.attnum
                   )
               ) AS remedy
        FROM pg_catalog.pg_class AS class
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND attribute.attnum > 0
          AND NOT attribute.attisdropped
          AND attribute.attstattarget IS DISTINCT FROM 0
        GROUP BY class.oid
        UNION ALL
        SELECT format(
                   '%s (%s)',
                   index.indexrelid::regclass,
                   string_agg(pg_get_indexdef(index.indexrelid, attribute.attnum, true), ', ' ORDER BY attribute.attnum)
               ),
               format(
                   'run `mtdb migrate`, or: ALTER INDEX %s %s',
                   index.indexrelid::regclass,
                   string_agg(
                       format('ALTER COLUMN %s SET STATISTICS 0', attribute.attnum), ', ' ORDER BY attribute.attnum
                   )
               )
        FROM pg_catalog.pg_index AS index
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = index.indexrelid
        WHERE index.indrelid = ANY (CAST(:tenant_tables AS oid[]))
          AND attribute.attnum <= index.indnkeyatts
          AND index.indkey[attribute.attnum - 1] = 0
          AND attribute.attstattarget IS DISTINCT FROM 0
        GROUP BY index.indexrelid
        UNION ALL
        SELECT format('statistics %s on %s', object.stxname, object.stxrelid::regclass),
               format('DROP STATISTICS %I.%I', object.stxnamespace::regnamespace, object.stxname)
        FROM pg_catalog.pg_statistic_ext AS object
        WHERE object.stxrelid = ANY (CAST(:tenant_tables AS oid[]))
    """),
)

STATISTICS_KEPT = Rule(
    "statistics-kept",
    f"{MEANING} An earlier sample is kept, independent of the column's current target.",
    text("""
        WITH relation AS (
            SELECT class.oid AS id, 'TABLE' AS kind
            FROM pg_catalog.pg_class AS class
            WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
            UNION ALL
            SELECT index.indexrelid, 'INDEX'
            FROM pg_catalog.pg_index AS index
            WHERE index.indrelid = ANY (CAST(:tenant_tables AS oid[]))
        )
        SELECT DISTINCT
               format('%s (%s)', relation.id::regclass, attribute.attname) AS place,
               format(
                   'ALTER %s %s ALTER COLUMN %s SET STATISTICS 0, then, as a superuser: '
                   'DELETE FROM pg_catalog.pg_statistic WHERE starelid = %L::regclass AND staattnum = %s',
                   relation.kind,
                   relation.id::regclass,
                   CASE relation.kind WHEN 'INDEX' THEN attribute.attnum::text ELSE quote_ident(attribute.attname) END,
                   relation.id::regclass,
                   attribute.attnum
               ) AS remedy
        FROM jsonb_to_recordset(CAST(:kept_statistics AS jsonb)) AS kept (relation_id oid, column_number int2)
        JOIN relation ON relation.id = kept.relation_id
        JOIN pg_catalog.pg_attribute AS attribute
          ON attribute.attrelid = relation.id
         AND attribute.attnum = kept.column_number
    """),
)

STATISTICS_UNSEEN = Rule(
    "statistics-unseen",
    "The role cannot see which statistics the planner keeps of tenants' rows, so an earlier sample is not found.",
    text("""
        SELECT 'pg_catalog.pg_statistic' AS place,
               'run `mtdb migrate` as a superuser; without one, ask for: SELECT starelid::regclass, staattnum '
               'FROM pg_catalog.pg_statistic, which must name no table with tenants'' rows nor an index of one'
                   AS remedy
        WHERE NOT CAST(:can_see_statistics AS boolean)
    """),
    is_warning=True,
)

PARTIAL_INDEX = Rule(
    "partial-index-counts",
    "A partial index counts the rows of all tenants that meet its condition, and EXPLAIN reveals the count.",
    text("""
        SELECT format('%s WHERE %s', index.indexrelid::regclass, pg_get_expr(index.indpred, index.indrelid)) AS place,
               'index all rows, with the condition''s columns after the key' AS remedy
        FROM pg_catalog.pg_index AS index
        WHERE index.indrelid = ANY (CAST(:tenant_tables AS oid[]))
          AND index.indpred IS NOT NULL
          AND index.indexrelid::regclass::text <> ALL (CAST(:counting_indexes AS text[]))
    """),
    is_warning=True,
)

STATISTICS_RULES = (STATISTICS_ALLOWED, STATISTICS_KEPT, STATISTICS_UNSEEN, PARTIAL_INDEX)
