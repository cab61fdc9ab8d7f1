"""Rules for the audit trail: every change of tenant data is recorded."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

TENANTS_UNRECORDED = Rule(
    "tenants-unrecorded",
    "Without its trigger, changes of tenants are not recorded in the audit trail.",
    text("""
        SELECT class.oid::regclass::text AS place,
               'DROP TRIGGER IF EXISTS tenants_record_event ON tenancy.tenants; CREATE TRIGGER tenants_record_event '
               'AFTER INSERT OR UPDATE OR DELETE ON tenancy.tenants '
               'FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event(''created_at'', ''updated_at'')'
                   AS remedy
        FROM pg_catalog.pg_class AS class
        WHERE class.oid::regclass::text = 'tenancy.tenants'
          AND CAST(:is_known AS boolean)
          AND NOT EXISTS (
              SELECT
              FROM pg_catalog.pg_trigger AS trigger
              WHERE trigger.tgrelid = class.oid
                AND trigger.tgfoid::regproc::text = 'tenancy_private.record_row_event'
                -- The columns that the event leaves out.
                AND encode(trigger.tgargs, 'escape') = 'created_at\\000updated_at\\000'
                AND trigger.tgenabled IN ('O', 'A')
                AND trigger.tgqual IS NULL
                -- FOR EACH ROW, AFTER, and all three commands (src/include/catalog/pg_trigger.h).
                AND trigger.tgtype & 31 = 29
          )
    """),
)

ROWS_UNRECORDED = Rule(
    "rows-unrecorded",
    "Changes of rows in this table are not recorded in the audit trail.",
    text("""
        SELECT class.oid::regclass::text AS place,
               format(
                   'DROP TRIGGER IF EXISTS %1$s ON %2$s; CREATE TRIGGER %1$s AFTER INSERT OR UPDATE OR DELETE ON %2$s '
                   'FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event()',
                   quote_ident(class.relname || '_record_event'),
                   class.oid::regclass
               ) AS remedy
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND class.oid::regclass::text <> 'tenancy.tenants'
          AND EXISTS (
              SELECT
              FROM unnest(CAST(:service_roles AS name[])) AS role (name)
              WHERE has_any_column_privilege(role.name, class.oid, 'INSERT, UPDATE')
                 OR has_table_privilege(role.name, class.oid, 'DELETE')
          )
          AND NOT EXISTS (
              SELECT
              FROM pg_catalog.pg_trigger AS trigger
              WHERE trigger.tgrelid = class.oid
                AND trigger.tgfoid::regproc::text = 'tenancy_private.record_row_event'
                AND trigger.tgnargs = 0
                AND trigger.tgenabled IN ('O', 'A')
                AND trigger.tgqual IS NULL
                AND trigger.tgtype & 31 = 29
          )
    """),
    is_warning=True,
)

EVENT_RULES = (TENANTS_UNRECORDED, ROWS_UNRECORDED)
