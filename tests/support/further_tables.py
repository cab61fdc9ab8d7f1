"""What a fork's own tables of tenants' rows grant to the service, beside SELECT."""

FURTHER_TABLES: dict[str, set[str]] = {}
"""For each table what its call of `protect_tenant_table` names: `"loans": {"INSERT (name)", "UPDATE (amount)"}`."""


def _grants(table: str, verbs: set[str]) -> set[tuple[str, str, str]]:
    keys = {
        f"INSERT ({key})" for key in ("organization_id", "tenant_id") if any(verb[:6] == "INSERT" for verb in verbs)
    }
    return {
        ("column", f"tenancy.{table}.{column.rstrip(')')}", name) if column else ("relation", f"tenancy.{table}", name)
        for name, _, column in (verb.partition(" (") for verb in {"SELECT"} | verbs | keys)
    }


FURTHER_GRANTS = {grant for table, verbs in FURTHER_TABLES.items() for grant in _grants(table, verbs)}
"""Kind, name and verb of each right that the service has on them."""
