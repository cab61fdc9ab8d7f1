"""Ways to let the planner learn what tenants wrote, in the form of tests/support/breaches.py."""

LEDGER = """
    CREATE SCHEMA elsewhere;
    CREATE TABLE elsewhere.ledger (tenant_id uuid PRIMARY KEY);
    ALTER TABLE elsewhere.ledger ALTER tenant_id SET STATISTICS 0;
    ALTER TABLE elsewhere.ledger ENABLE ROW LEVEL SECURITY;
    ALTER TABLE elsewhere.ledger FORCE ROW LEVEL SECURITY;
"""
"""A table outside our schemas that has a tenant's key and no grants."""

PLAINLY_MINE = "tenant_id = (SELECT tenancy.current_tenant_id())"
MINE = f"""
    (JSON_OBJECT(tenant_id: 1 RETURNING jsonb))[(SELECT tenancy.current_tenant_id()::text)] IS NOT NULL
    AND {PLAINLY_MINE}
    AND tenancy.policies_come_first()
"""

SAMPLED = """
    ALTER TABLE elsewhere.ledger ALTER tenant_id SET STATISTICS -1;
    INSERT INTO elsewhere.ledger SELECT gen_random_uuid() FROM generate_series(1, 500);
    ANALYZE elsewhere.ledger;
    ALTER TABLE elsewhere.ledger ALTER tenant_id SET STATISTICS 0
"""
FIRST_BYTE = "get_byte(uuid_send(tenant_id), 0)"

STATISTICS = [
    (
        "statistics-allowed",
        "tenancy.tenants (tenant_id)",
        "ALTER TABLE tenancy.tenants ALTER tenant_id SET STATISTICS 1",
    ),
    (
        "statistics-allowed",
        "tenancy.tenants_name_unique_in_organization ((name || ''::text))",
        "ALTER INDEX tenancy.tenants_name_unique_in_organization ALTER 2 SET STATISTICS DEFAULT",
    ),
    (
        "statistics-allowed",
        "tenancy.sizes (octet_length(metadata::text))",
        "CREATE INDEX sizes ON tenancy.tenants (organization_id, tenant_id, octet_length(metadata::text))",
    ),
    (
        "statistics-allowed",
        "statistics names on tenancy.tenants",
        "CREATE STATISTICS tenancy.names ON name, version FROM tenancy.tenants",
    ),
    (
        "statistics-allowed",
        "statistics lengths on elsewhere.ledger",
        f"{LEDGER} CREATE STATISTICS elsewhere.lengths ON ({FIRST_BYTE}) FROM elsewhere.ledger",
    ),
    ("statistics-kept", "elsewhere.ledger (tenant_id)", f"{LEDGER} {SAMPLED}"),
    (
        "statistics-kept",
        "elsewhere.ledger_byte (get_byte)",
        (
            f"{LEDGER} INSERT INTO elsewhere.ledger SELECT gen_random_uuid() FROM generate_series(1, 500);"
            f" CREATE INDEX ledger_byte ON elsewhere.ledger (tenant_id, ({FIRST_BYTE})); ANALYZE elsewhere.ledger;"
            " ALTER INDEX elsewhere.ledger_byte ALTER 2 SET STATISTICS 0"
        ),
    ),
]
