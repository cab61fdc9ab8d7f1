"""The queries on the catalogue for docs/schema.sql."""

OURS = "IN ('public', 'tenancy', 'tenancy_private')"
IS_OURS = f"class.relnamespace::regnamespace::text {OURS} AND class.relname !~ '^alembic_version'"
"""Alembic makes its table before the first migration."""

DEFAULT_PRIVILEGES = """
    SELECT format(
               'ALTER DEFAULT PRIVILEGES REVOKE %s FROM PUBLIC;',
               CASE entry.defaclobjtype WHEN 'f' THEN 'EXECUTE ON FUNCTIONS' ELSE 'USAGE ON TYPES' END
           ) AS statement
    FROM pg_default_acl AS entry
    WHERE entry.defaclrole = 'tenancy_owner'::regrole
    ORDER BY entry.defaclobjtype DESC
"""

SCHEMAS = """
    SELECT 'SCHEMA ' || nspname AS place, format('CREATE SCHEMA %I;', nspname) AS statement
    FROM pg_namespace
    WHERE nspname IN ('tenancy', 'tenancy_private')
    ORDER BY nspname
"""

TYPES = f"""
    SELECT CASE type.typtype
               WHEN 'e' THEN format(
                   'CREATE TYPE %s AS ENUM (%s);',
                   type.oid::regtype,
                   (
                       SELECT string_agg(quote_literal(label.enumlabel), ', ' ORDER BY label.enumsortorder)
                       FROM pg_enum AS label
                       WHERE label.enumtypid = type.oid
                   )
               )
               ELSE format(
                   E'CREATE TYPE %s AS (\\n    %s\\n);',
                   type.oid::regtype,
                   (
                       SELECT string_agg(
                           format('%I %s', field.attname, format_type(field.atttypid, field.atttypmod)),
                           E',\\n    ' ORDER BY field.attnum
                       )
                       FROM pg_attribute AS field
                       WHERE field.attrelid = type.typrelid
                   )
               )
           END AS statement
    FROM pg_type AS type
    LEFT JOIN pg_class AS class ON class.oid = type.typrelid
    WHERE type.typnamespace::regnamespace::text {OURS}
      AND (type.typtype = 'e' OR class.relkind = 'c')
    ORDER BY type.typtype DESC, type.oid
"""

TABLES = f"""
    SELECT class.oid::regclass::text AS name,
           CASE WHEN class.relrowsecurity OR class.relforcerowsecurity OR class.relreplident = 'f' THEN format(
               'ALTER TABLE %s %s;',
               class.oid::regclass,
               concat_ws(
                   ', ',
                   CASE WHEN class.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END,
                   CASE WHEN class.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
                   CASE WHEN class.relreplident = 'f' THEN 'REPLICA IDENTITY FULL' END
               )
           ) END AS settings
    FROM pg_class AS class
    WHERE {IS_OURS}
      AND class.relkind IN ('r', 'p')
    -- What others refer to, then tenants' tables, then the rest.
    ORDER BY class.oid::regclass::text <> 'tenancy.tenants',
             array_position(ARRAY['tenancy', 'tenancy_private'], class.relnamespace::regnamespace::text), class.relname
"""

COLUMNS = f"""
    SELECT class.oid::regclass::text AS table_name,
           quote_ident(attribute.attname) AS name,
           concat(
               format_type(attribute.atttypid, attribute.atttypmod),
               CASE WHEN attribute.attnotnull THEN ' NOT NULL' END,
               CASE attribute.attgenerated
                   WHEN '' THEN ' DEFAULT ' || pg_get_expr(value.adbin, value.adrelid)
                   ELSE ' GENERATED ALWAYS AS (' || pg_get_expr(value.adbin, value.adrelid) || ') STORED'
               END
           ) AS definition,
           attribute.attstattarget IS NOT DISTINCT FROM 0 AS is_unsampled
    FROM pg_attribute AS attribute
    JOIN pg_class AS class ON class.oid = attribute.attrelid
    LEFT JOIN pg_attrdef AS value
      ON value.adrelid = attribute.attrelid
     AND value.adnum = attribute.attnum
    WHERE {IS_OURS}
      AND class.relkind IN ('r', 'p')
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
    ORDER BY class.oid, attribute.attnum
"""

CONSTRAINTS = f"""
    SELECT entry.conrelid::regclass::text AS table_name,
           quote_ident(entry.conname) AS name,
           pg_get_constraintdef(entry.oid, true) AS definition
    FROM pg_constraint AS entry
    JOIN pg_class AS class ON class.oid = entry.conrelid
    WHERE {IS_OURS}
      AND entry.contype IN ('p', 'u', 'f', 'c', 'x')
    ORDER BY array_position(ARRAY['p', 'u', 'f', 'x', 'c']::"char"[], entry.contype), entry.conname
"""

INDEXES = f"""
    SELECT index.indrelid::regclass::text AS table_name,
           concat_ws(
               E'\\n',
               pg_get_indexdef(index.indexrelid, 0, true) || ';',
               (
                   SELECT format(
                       'ALTER INDEX %s %s;',
                       index.indexrelid::regclass,
                       string_agg(
                           format('ALTER COLUMN %s SET STATISTICS %s', attribute.attnum, attribute.attstattarget),
                           ', ' ORDER BY attribute.attnum
                       )
                   )
                   FROM pg_attribute AS attribute
                   WHERE attribute.attrelid = index.indexrelid
                     AND attribute.attstattarget IS NOT NULL
                   HAVING count(*) > 0
               )
           ) AS statement
    FROM pg_index AS index
    JOIN pg_class AS class ON class.oid = index.indexrelid
    WHERE {IS_OURS}
      AND NOT EXISTS (
          SELECT FROM pg_constraint AS entry
          WHERE entry.conindid = index.indexrelid
            AND entry.contype <> 'f'
      )
    ORDER BY class.relname
"""

FUNCTIONS = f"""
    SELECT function.oid AS id,
           CASE function.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || function.oid::regprocedure AS place,
           pg_get_functiondef(function.oid) AS statement,
           EXISTS (
               SELECT FROM pg_depend AS dependency
               WHERE dependency.classid = 'pg_attrdef'::regclass
                 AND dependency.refobjid = function.oid
           ) AS is_default,
           ARRAY(
               SELECT dependency.refobjid
               FROM pg_depend AS dependency
               JOIN pg_proc AS needed ON needed.oid = dependency.refobjid
               WHERE dependency.classid = 'pg_proc'::regclass
                 AND dependency.refclassid = 'pg_proc'::regclass
                 AND dependency.objid = function.oid
                 AND needed.pronamespace::regnamespace::text {OURS}
           ) AS needs
    FROM pg_proc AS function
    WHERE function.pronamespace::regnamespace::text {OURS}
    ORDER BY function.oid
"""

TRIGGERS = f"""
    SELECT concat_ws(
               E'\\n',
               regexp_replace(pg_get_triggerdef(trigger.oid, true), ' (?=FOR EACH|EXECUTE)', E'\\n', 'g') || ';',
               CASE WHEN trigger.tgenabled <> 'O' THEN format(
                   'ALTER TABLE %s %s TRIGGER %I;',
                   class.oid::regclass,
                   CASE trigger.tgenabled
                       WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'DISABLE'
                   END,
                   trigger.tgname
               ) END
           ) AS statement
    FROM pg_trigger AS trigger
    JOIN pg_class AS class ON class.oid = trigger.tgrelid
    WHERE {IS_OURS}
      AND NOT trigger.tgisinternal
    ORDER BY class.oid::regclass::text <> 'tenancy.tenants', class.oid::regclass::text, trigger.tgname
"""

POLICIES = f"""
    SELECT quote_ident(policy.polname) AS name,
           class.oid::regclass::text AS table_name,
           CASE policy.polcmd
               WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL'
           END AS verb,
           array_to_string(policy.polroles::regrole[], ', ') AS roles,
           pg_get_expr(policy.polqual, policy.polrelid) AS reached,
           pg_get_expr(policy.polwithcheck, policy.polrelid) AS let_in
    FROM pg_policy AS policy
    JOIN pg_class AS class ON class.oid = policy.polrelid
    WHERE {IS_OURS}
    ORDER BY class.oid::regclass::text <> 'tenancy.tenants', class.relnamespace::regnamespace::text, class.relname,
             array_to_string(policy.polroles::regrole[], ', '),
             array_position(ARRAY['r', 'a', 'w', 'd', '*']::"char"[], policy.polcmd), policy.polname
"""

COMMENTS = f"""
    WITH described (place, comment) AS (
        SELECT 'SCHEMA ' || nspname, obj_description(oid, 'pg_namespace')
        FROM pg_namespace
        WHERE nspname IN ('tenancy', 'tenancy_private')
        UNION ALL
        SELECT 'TABLE ' || oid::regclass, obj_description(oid, 'pg_class')
        FROM pg_class
        WHERE relnamespace::regnamespace::text {OURS}
        UNION ALL
        SELECT format('COLUMN %s.%I', attrelid::regclass, attname), col_description(attrelid, attnum)
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace::regnamespace::text {OURS}
        UNION ALL
        SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || oid::regprocedure,
               obj_description(oid, 'pg_proc')
        FROM pg_proc
        WHERE pronamespace::regnamespace::text {OURS}
    )
    SELECT place, format('COMMENT ON %s IS %L;', place, comment) AS statement
    FROM described
    WHERE comment IS NOT NULL
"""

GRANTS = f"""
    WITH acl (place, of_column, owner, items) AS (
        SELECT 'SCHEMA ' || nspname, NULL, nspowner, nspacl
        FROM pg_namespace
        WHERE nspname IN ('tenancy', 'tenancy_private')
        UNION ALL
        SELECT 'TABLE ' || class.oid::regclass, NULL, relowner, relacl
        FROM pg_class AS class
        WHERE {IS_OURS}
          AND relkind IN ('r', 'p')
        UNION ALL
        SELECT 'TABLE ' || attrelid::regclass, quote_ident(attname), relowner, attacl
        FROM pg_attribute
        JOIN pg_class AS class ON class.oid = attrelid
        WHERE {IS_OURS}
        UNION ALL
        SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || oid::regprocedure, NULL, proowner, proacl
        FROM pg_proc
        WHERE pronamespace::regnamespace::text {OURS}
    ),
    granted AS (
        SELECT acl.place, acl.of_column, item.privilege_type AS privilege,
               string_agg(item.grantee::regrole::text, ', ' ORDER BY item.position) AS roles
        FROM acl
        CROSS JOIN LATERAL aclexplode(acl.items) WITH ORDINALITY
             AS item (grantor, grantee, privilege_type, is_grantable, position)
        WHERE item.grantee <> acl.owner
        GROUP BY acl.place, acl.of_column, item.privilege_type
    ),
    named AS (
        SELECT place, roles, privilege, of_column IS NOT NULL AS is_of_columns,
               privilege || coalesce(' (' || string_agg(of_column, ', ' ORDER BY of_column) || ')', '') AS what
        FROM granted
        GROUP BY place, roles, privilege, of_column IS NOT NULL
    ),
    statements AS (
        SELECT split_part(place, ' ', 1) AS kind, place, 1 AS step,
               format(
                   'GRANT %s ON %s TO %s;', string_agg(what, ', ' ORDER BY is_of_columns, privilege DESC), place, roles
               ) AS statement
        FROM named
        GROUP BY place, roles
        UNION ALL
        SELECT 'TABLE', 'TABLE ' || class.oid::regclass, 0,
               format('REVOKE USAGE ON TYPE %s FROM PUBLIC;', class.reltype::regtype)
        FROM pg_class AS class
        JOIN pg_type AS type ON type.oid = class.reltype
        WHERE {IS_OURS}
          AND class.relkind IN ('r', 'p')
          AND type.typacl IS NOT NULL
        UNION ALL
        -- Where the owner has less than everything.
        SELECT 'TABLE', 'TABLE ' || class.oid::regclass, 0,
               format(
                   E'REVOKE ALL ON TABLE %1$s FROM %2$s;\\nGRANT %3$s ON TABLE %1$s TO %2$s;',
                   class.oid::regclass, class.relowner::regrole, string_agg(item.privilege_type, ', ')
               )
        FROM pg_class AS class
        CROSS JOIN LATERAL aclexplode(class.relacl) AS item
        WHERE {IS_OURS}
          AND class.relkind IN ('r', 'p')
          AND item.grantee = class.relowner
        GROUP BY class.oid, class.relowner
        HAVING count(*) < 7
    )
    SELECT kind, statement
    FROM statements
    ORDER BY array_position(ARRAY['SCHEMA', 'TABLE', 'FUNCTION', 'PROCEDURE'], kind), place, step, statement
"""
