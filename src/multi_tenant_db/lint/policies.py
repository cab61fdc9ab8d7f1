"""Rules for policies: each granted command has one, each checks the token, and none differs from its migration."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

VERB_WITHOUT_POLICY = Rule(
    "verb-without-policy",
    "A granted command without a policy affects no rows now, and all rows if row level security is disabled: grant "
    "only what is needed, each with a policy.",
    text("""
        SELECT format('%s for %s on %s', verb.name, role.name, class.oid::regclass) AS place,
               format(
                   'create a policy as tenancy.protect_tenant_table does, or run: REVOKE %s ON %s FROM %I',
                   verb.name,
                   class.oid::regclass,
                   role.name
               ) AS remedy
        FROM pg_catalog.pg_class AS class
        CROSS JOIN (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) AS verb (name, code)
        CROSS JOIN unnest(CAST(:service_roles AS name[])) AS role (name)
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND class.relowner::regrole::text <> role.name
          AND EXISTS (
              SELECT
              FROM (
                  SELECT class.relacl
                  UNION ALL
                  SELECT attribute.attacl
                  FROM pg_catalog.pg_attribute AS attribute
                  WHERE attribute.attrelid = class.oid
              ) AS acl (items)
              CROSS JOIN LATERAL aclexplode(acl.items) AS granted
              WHERE granted.grantee::regrole::text = role.name
                AND granted.privilege_type = verb.name
          )
          AND NOT EXISTS (
              SELECT
              FROM pg_catalog.pg_policy AS policy
              CROSS JOIN unnest(policy.polroles) AS bound (role_id)
              WHERE policy.polrelid = class.oid
                AND policy.polpermissive
                AND policy.polcmd IN ('*', CAST(verb.code AS "char"))
                AND (bound.role_id = 0 OR pg_has_role(role.name, bound.role_id, 'USAGE'))
          )
    """),
)

POLICY_OPEN = Rule(
    "policy-open",
    "A policy that does not check the token gives every caller with its roles access to every tenant's rows.",
    text("""
        SELECT format('%I on %s', policy.polname, policy.polrelid::regclass) AS place,
               format(
                   'use the condition of tenancy.protect_tenant_table, or run: DROP POLICY %I ON %s',
                   policy.polname,
                   policy.polrelid::regclass
               ) AS remedy
        FROM pg_catalog.pg_policy AS policy
        JOIN pg_catalog.pg_class AS class ON class.oid = policy.polrelid
        CROSS JOIN LATERAL (
            VALUES (pg_get_expr(policy.polqual, policy.polrelid)), (pg_get_expr(policy.polwithcheck, policy.polrelid))
        ) AS condition (expression)
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND policy.polpermissive
          AND policy.polroles <> ARRAY[class.relowner]
          AND class.oid::regclass::text NOT IN (
              SELECT expected.table_name
              FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS expected (table_name text)
          )
          AND condition.expression !~ (
              'SELECT tenancy\\.((current|writable)_(organization|tenant)_id'
              '|first_organization_id_in_reach|first_writable_organization_id|is_platform_operator)'
          )
        GROUP BY policy.polname, policy.polrelid
    """),
)

POLICY_LATE = Rule(
    "policy-late",
    "If a policy begins with a condition that has a cost, or does not end with tenancy.policies_come_first(), a "
    "query's own tests for NULL and subscripts come first, and EXPLAIN ANALYZE reveals the content of hidden rows.",
    text("""
        SELECT format('%I on %s', policy.polname, policy.polrelid::regclass) AS place,
               format(
                   'begin and end it as tenancy.protect_tenant_table does, or run: '
                   'ALTER POLICY %I ON %s USING (%s IS NOT NULL AND %s AND tenancy.policies_come_first())',
                   policy.polname,
                   policy.polrelid::regclass,
                   CASE
                       WHEN policy.polroles = ARRAY[CAST('tenancy_platform' AS regrole)::oid]
                       THEN '(SELECT tenancy.first_organization_id_in_reach())'
                       ELSE format(
                           '(JSON_OBJECT(%s RETURNING jsonb))[(SELECT tenancy.current_tenant_id()::text)]',
                           key.members
                       )
                   END,
                   condition.expression
               ) AS remedy
        FROM pg_catalog.pg_policy AS policy
        JOIN pg_catalog.pg_class AS class ON class.oid = policy.polrelid
        CROSS JOIN LATERAL pg_get_expr(policy.polqual, policy.polrelid) AS condition (expression)
        CROSS JOIN LATERAL (
            SELECT string_agg(attribute.attname || ': 1', ', ' ORDER BY attribute.attname)
            FROM pg_catalog.pg_attribute AS attribute
            WHERE attribute.attrelid = class.oid
              AND attribute.attname IN ('organization_id', 'tenant_id')
              AND NOT attribute.attisdropped
        ) AS key (members)
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND class.oid::regclass::text NOT IN (
              SELECT expected.table_name
              FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS expected (table_name text)
          )
          AND condition.expression ~ 'SELECT \\(?tenancy\\.'
          AND (
              condition.expression ~ ' OR '
              OR condition.expression !~ ' AND tenancy\\.policies_come_first\\(\\)\\)$'
              OR condition.expression !~ (
                  '^\\(+(JSON_OBJECT\\([a-z_:0-9, ]+ RETURNING jsonb\\)\\)'
                  '\\[\\( SELECT \\(tenancy\\.(current|writable)_tenant_id\\(\\)\\)::text AS \\w+\\)\\]'
                  '| SELECT tenancy\\.first_(writable_organization_id|organization_id_in_reach)\\(\\) AS \\w+\\))'
                  ' IS NOT NULL'
              )
          )
    """),
)

POLICY_WRITES_READ_ONLY = Rule(
    "policy-writes-read-only",
    "A policy that writes and does not ask the functions that refuse a read-only token, lets such a token write.",
    text("""
        WITH written (policy_id, clause, expression) AS (
            SELECT policy.oid, 'USING', pg_get_expr(policy.polqual, policy.polrelid)
            FROM pg_catalog.pg_policy AS policy
            UNION ALL
            SELECT policy.oid, 'WITH CHECK', pg_get_expr(policy.polwithcheck, policy.polrelid)
            FROM pg_catalog.pg_policy AS policy
        ),
        replacement (plain, refusing) AS (
            VALUES ('tenancy.current_tenant_id()', 'tenancy.writable_tenant_id()'),
                   ('tenancy.current_organization_id()', 'tenancy.writable_organization_id()'),
                   ('tenancy.first_organization_id_in_reach()', 'tenancy.first_writable_organization_id()'),
                   ('tenancy.is_platform_operator()', 'tenancy.first_writable_organization_id() IS NOT NULL')
        )
        SELECT format('%I on %s', policy.polname, policy.polrelid::regclass) AS place,
               format(
                   'create a policy for each verb, as tenancy.protect_tenant_table does, or run: '
                   'ALTER POLICY %I ON %s %s (%s)',
                   policy.polname,
                   policy.polrelid::regclass,
                   written.clause,
                   replace(written.expression, replacement.plain, replacement.refusing)
               ) AS remedy
        FROM pg_catalog.pg_policy AS policy
        JOIN pg_catalog.pg_class AS class ON class.oid = policy.polrelid
        JOIN written ON written.policy_id = policy.oid
        JOIN replacement ON strpos(written.expression, replacement.plain) > 0
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND policy.polpermissive
          AND policy.polcmd <> 'r'
          AND (policy.polcmd <> 'w' OR written.clause = 'USING')
          AND policy.polroles <> ARRAY[class.relowner]
          AND class.oid::regclass::text NOT IN (
              SELECT expected.table_name
              FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS expected (table_name text)
          )
    """),
)

POLICY_MISSING = Rule(
    "policy-missing",
    "A policy that isolates tenants is missing: what it allowed is refused.",
    text("""
        SELECT format('%I on %s', expected.policy_name, expected.table_name) AS place,
               expected.statement AS remedy
        FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS
             expected (table_name text, policy_name text, statement text)
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_policy AS policy
            WHERE policy.polrelid::regclass::text = expected.table_name
              AND policy.polname = expected.policy_name
        )
    """),
)

POLICY_ALTERED = Rule(
    "policy-altered",
    "A policy that isolates tenants differs from its migration: tenants may reach one another.",
    text("""
        SELECT format('%I on %s', expected.policy_name, expected.table_name) AS place,
               format(
                   'DROP POLICY %I ON %s; %s', expected.policy_name, expected.table_name, expected.statement
               ) AS remedy
        FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS expected (
                 table_name text, policy_name text, verb text, role_name text, condition text, check_condition text,
                 statement text
             )
        JOIN pg_catalog.pg_policy AS policy
          ON policy.polrelid::regclass::text = expected.table_name
         AND policy.polname = expected.policy_name
        WHERE (
                policy.polpermissive,
                CASE policy.polcmd
                    WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                    ELSE 'ALL'
                END,
                CAST(CAST(policy.polroles AS regrole[]) AS text[]),
                pg_get_expr(policy.polqual, policy.polrelid),
                pg_get_expr(policy.polwithcheck, policy.polrelid)
            ) IS DISTINCT FROM (
                true,
                expected.verb,
                ARRAY[expected.role_name],
                expected.condition,
                expected.check_condition
            )
    """),
)

POLICY_UNEXPECTED = Rule(
    "policy-unexpected",
    "Permissive policies are combined with OR: an additional one gives its roles access to rows that the others hide.",
    text("""
        SELECT format('%I on %s', policy.polname, policy.polrelid::regclass) AS place,
               format('DROP POLICY %I ON %s', policy.polname, policy.polrelid::regclass) AS remedy
        FROM pg_catalog.pg_policy AS policy
        WHERE policy.polrelid::regclass::text IN (
                  SELECT expected.table_name
                  FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS expected (table_name text)
              )
          AND NOT EXISTS (
              SELECT
              FROM jsonb_to_recordset(CAST(:expected_policies AS jsonb)) AS
                   expected (table_name text, policy_name text)
              WHERE expected.table_name = policy.polrelid::regclass::text
                AND expected.policy_name = policy.polname
          )
    """),
)

POLICY_RULES = (
    VERB_WITHOUT_POLICY,
    POLICY_OPEN,
    POLICY_LATE,
    POLICY_WRITES_READ_ONLY,
    POLICY_MISSING,
    POLICY_ALTERED,
    POLICY_UNEXPECTED,
)
