"""Rules for quotas: the triggers that keep them are there. Without them tenants are as isolated as before."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

QUOTAS_NOT_KEPT = Rule(
    "quotas-not-kept",
    "Without its triggers, the table of tenants takes more subsidiaries than an organisation's quota.",
    text("""
        SELECT format('%s on tenancy.tenants', expected.name) AS place,
               format('DROP TRIGGER IF EXISTS %s ON tenancy.tenants; %s', expected.name, expected.definition) AS remedy
        FROM (
            VALUES
                (
                    'tenants_wait_for_creations',
                    'CREATE TRIGGER tenants_wait_for_creations BEFORE INSERT ON tenancy.tenants FOR EACH ROW '
                    'WHEN ((new.parent_tenant_id IS NOT NULL)) '
                    'EXECUTE FUNCTION tenancy_private.wait_for_creations()'
                ),
                (
                    'tenants_keep_quotas',
                    'CREATE TRIGGER tenants_keep_quotas AFTER INSERT ON tenancy.tenants REFERENCING NEW TABLE AS added '
                    'FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.keep_quotas()'
                )
        ) AS expected (name, definition)
        WHERE CAST(:is_known AS boolean)
          AND NOT EXISTS (
              SELECT
              FROM pg_catalog.pg_trigger AS trigger
              WHERE trigger.tgrelid::regclass::text = 'tenancy.tenants'
                AND trigger.tgname = expected.name
                AND trigger.tgenabled IN ('O', 'A')
                AND pg_get_triggerdef(trigger.oid) = expected.definition
          )
    """),
    is_warning=True,
)

QUOTA_RULES = (QUOTAS_NOT_KEPT,)
