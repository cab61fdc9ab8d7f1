"""The cost of the proven context in the database, compared with a plain variable and with no RLS."""

from collections.abc import Sequence
from typing import Any

from benchmarks.data.caller import Caller
from benchmarks.data.database import PASSWORD, PLAIN_PASSWORD, Database
from benchmarks.load.transactions import Transaction
from benchmarks.measures.bench import Bench
from benchmarks.measures.sample import Sample
from benchmarks.steps import Begin
from multi_tenant_db.database.compiled_statement import IS_ROW
from multi_tenant_db.repositories.tenant_statements import FIND, FIRST_PAGE, LATER_PAGE

MEASURE = "database alone"
SET_VARIABLE = "SELECT set_config('app.current_tenant', $1, true)"
COLUMNS = "tenant_id, name, tenant_type, parent_tenant_id, metadata, version, created_at, updated_at"
PROVEN, PLAIN, NONE = "proven context", "plain variable", "without RLS"
ROLES = {
    PROVEN: ("tenancy_api", PASSWORD),
    PLAIN: ("plain_api", PLAIN_PASSWORD),
    NONE: ("plain_unbound", PLAIN_PASSWORD),
}
GET, PAGE = "GET by id", "list of 20"
LIMIT = 20
FIRST_COLUMN = IS_ROW + 1
"""Of the statement, after those of the caller."""

CONNECTIONS = 10
"""The size of the service's pool."""


def proven_read(caller: Caller, member: int) -> Transaction:
    """Return the service's read of a subsidiary, one message."""
    tenant_id = caller.subsidiaries[member]
    query, values = FIND.message(caller.token, {"sought": tenant_id})
    return Transaction("", (), query, values, 1, tenant_id, FIRST_COLUMN)


def proven_page(caller: Caller, limit: int, skip: int = 0) -> Transaction:
    """Return the service's read of a page, one message; it fetches one additional row."""
    tenants = [caller.tenant_id, *caller.subsidiaries]
    parameters: dict[str, Any] = {"limit": limit + 1}
    if skip:
        parameters |= {"last_organization_id": caller.tenant_id, "last_tenant_id": tenants[skip - 1]}
    query, values = (LATER_PAGE if skip else FIRST_PAGE)[None].message(caller.token, parameters)
    rows = tenants[skip : skip + limit + 1]
    return Transaction("", (), query, values, len(rows), rows[0], FIRST_COLUMN)


def transactions(context: str, operation: str, callers: Sequence[Caller]) -> list[Transaction]:
    """Return the transactions of many callers. Without RLS the query itself selects the caller's tenants."""
    if context == PROVEN:
        return [proven_read(caller, 7) if operation == GET else proven_page(caller, LIMIT) for caller in callers]
    result = []
    for caller in callers:
        me, member = caller.tenant_id, caller.subsidiaries[7]
        values: tuple[Any, ...]
        where, values, rows, first = "WHERE tenant_id = $1", (member,), 1, member
        if operation == PAGE:
            where, values, rows, first = "", (), LIMIT + 1, me
            if context == NONE:
                where, values = "WHERE tenant_id = $1 OR parent_tenant_id = $1", (me,)
            where += f" ORDER BY tenant_id LIMIT {LIMIT + 1}"
        query = f"SELECT {COLUMNS} FROM plain.tenants {where}"
        result.append(Transaction(SET_VARIABLE, (str(me),), query, values, rows, first))
    return result


def measure_alone(bench: Bench, database: Database, callers: Sequence[Caller], begin: Begin) -> list[Sample]:
    """Measure every context and operation, all in each round."""
    samples = []
    advance = begin(bench.extent.rounds * len((GET, PAGE)) * len(ROLES))
    for number in range(bench.extent.rounds):
        for operation in (GET, PAGE):
            for context, (role, password) in ROLES.items():
                url = database.url(role, password)
                made = transactions(context, operation, callers)
                batch, figures = bench.run(url, made, CONNECTIONS)
                key = {"context": context, "operation": operation, "connections": CONNECTIONS}
                samples.append(Sample(MEASURE, number, key, batch.responses, batch.checked, figures))
                advance(1, f"{context}: {operation}")
    return samples
