"""The assertion that a table is isolated."""

from collections.abc import Sequence

from multi_tenant_db.testing.breach import Breach
from multi_tenant_db.testing.isolation_check import IsolationCheck, RowFactory
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from multi_tenant_db.testing.two_organizations import TwoOrganizations


async def assert_table_isolated(
    database: MigratedDatabase,
    organizations: TwoOrganizations,
    table: str,
    make_row: RowFactory,
    *,
    tested_elsewhere: Sequence[str] = (),
) -> None:
    """Raise AssertionError, with every breach and its remedy, unless the table keeps the organisations apart."""
    check = IsolationCheck(database, organizations, table, make_row, tested_elsewhere=tested_elsewhere)
    if breaches := await check.breaches():
        raise AssertionError(explained(table, breaches))


def explained(table: str, breaches: Sequence[Breach]) -> str:
    """Return the breaches for a reader: each verb once, with its first caller, and the remedies."""
    lines = [f"{table} is not isolated:"]
    by_verb: dict[tuple[str, str], list[Breach]] = {}
    for breach in breaches:
        by_verb.setdefault((breach.verb, breach.remedy), []).append(breach)
    for (verb, remedy), same in by_verb.items():
        callers = {breach.caller for breach in same}
        more = f" (and {len(callers) - 1} more callers)" if len(callers) > 1 else ""
        caller = f", as {same[0].caller}{more}" if same[0].caller else ""
        lines += [f"- {verb}{caller}: {same[0].what}", f"  Remedy: {remedy}"]
    return "\n".join(lines)
