"""Every verb of SQL, as it is tried on a table with tenants' rows."""

import json
from collections.abc import Iterator, Mapping

from multi_tenant_db.testing.expectation import Expectation
from multi_tenant_db.testing.isolation_caller import IsolationCaller
from multi_tenant_db.testing.table_shape import KEY, TableShape, quoted
from multi_tenant_db.testing.trial import Trial

ROWS = "organization_id, tenant_id"
COPY_TO, COPY_FROM = "COPY ... TO", "COPY ... FROM"
"""The driver runs these two in its own way."""

PROTECT = "protect the table with CALL tenancy.protect_tenant_table('{table}', ...)"

type Row = Mapping[str, object]


def trials_on_all(table: TableShape, caller: IsolationCaller, sample: Row) -> Iterator[Trial]:
    """Yield the trials that aim at every row at once; `sample` is a row's content."""
    name, column = table.name, quoted(table.changed_column)
    select = _policy(table, caller, "SELECT")
    update, delete = _policy(table, caller, "UPDATE"), _policy(table, caller, "DELETE")
    yield Trial("SELECT", f"SELECT {ROWS} FROM {name}", Expectation.ROWS_IN_REACH, select)
    for lock in ("FOR UPDATE", "FOR SHARE", "FOR KEY SHARE"):
        statement = f"SELECT {ROWS} FROM {name} {lock}"
        yield Trial(f"SELECT ... {lock}", statement, Expectation.ROWS_IN_REACH, update)
    yield Trial(COPY_TO, "", Expectation.ROWS_IN_REACH, select)
    statement = f"UPDATE {name} SET {column} = {column} RETURNING {ROWS}"
    yield Trial("UPDATE ... RETURNING", statement, Expectation.ROWS_IN_REACH, update)
    value = f"(SELECT {column} FROM jsonb_populate_record(NULL::{name}, $1::jsonb))"
    statement = f"UPDATE {name} SET {column} = {value}"
    yield Trial("UPDATE", statement, Expectation.COUNT_IN_REACH, update, (as_json(sample),))
    statement = f"DELETE FROM {name} RETURNING {ROWS}"
    yield Trial("DELETE ... RETURNING", statement, Expectation.ROWS_IN_REACH, delete)
    yield Trial("DELETE", f"DELETE FROM {name}", Expectation.COUNT_IN_REACH, delete)
    for key in KEY:
        statement = f"UPDATE {name} SET {key} = {key}"
        remedy = f"REVOKE UPDATE ({key}) ON {name} FROM {caller.role}"
        yield Trial(f"UPDATE of {key}", statement, Expectation.REFUSAL, remedy)
    yield Trial("TRUNCATE", f"TRUNCATE {name}", Expectation.REFUSAL, f"REVOKE TRUNCATE ON {name} FROM {caller.role}")
    yield Trial(COPY_FROM, "", Expectation.REFUSAL, PROTECT.format(table=name))
    if not table.may_delete:  # a role that may delete rows may lock the table, within its timeouts
        statement = f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"
        remedy = f"REVOKE DELETE, TRUNCATE, MAINTAIN ON {name} FROM {caller.role}, and grant UPDATE by columns"
        yield Trial("LOCK TABLE", statement, Expectation.REFUSAL, remedy)


def trials_on_one(table: TableShape, caller: IsolationCaller, victim: str, row: Row, stored: Row) -> Iterator[Trial]:
    """Yield the trials that aim at one row out of the caller's reach, by its whole key.

    `row` is what the row was made of, `stored` what the table has.
    """
    name, column = table.name, quoted(table.changed_column)
    # A column without the grant would be refused before any policy.
    row = {part: value for part, value in row.items() if part in table.insertable} or row
    columns = ", ".join(map(quoted, row))
    source = f"SELECT {columns} FROM jsonb_populate_record(NULL::{name}, $1::jsonb)"
    insert = f"INSERT INTO {name} ({columns}) {source}"
    adds, update = _policy(table, caller, "INSERT"), _policy(table, caller, "UPDATE")
    delete = _policy(table, caller, "DELETE")
    made_of = (as_json(row),)
    yield Trial("INSERT", insert, Expectation.REFUSAL, adds, made_of, victim)
    yield Trial("INSERT ... RETURNING", f"{insert} RETURNING {ROWS}", Expectation.REFUSAL, adds, made_of, victim)
    statement = f"{insert} ON CONFLICT DO NOTHING"
    yield Trial("INSERT ... ON CONFLICT DO NOTHING", statement, Expectation.REFUSAL, adds, made_of, victim)
    key = ", ".join(map(quoted, table.primary_key))
    if table.primary_key:
        statement = f"{insert} ON CONFLICT ({key}) DO UPDATE SET {column} = EXCLUDED.{column}"
        yield Trial("INSERT ... ON CONFLICT DO UPDATE", statement, Expectation.REFUSAL, adds, made_of, victim)
    matches = " AND ".join(
        f"target.{quoted(part)} = source.{quoted(part)}" for part in dict.fromkeys((*KEY, *table.primary_key))
    )
    merge = (
        f"MERGE INTO {name} AS target USING (SELECT * FROM jsonb_populate_record(NULL::{name}, $1::jsonb)) AS source"
        f" ON {matches}"
    )
    where = f"FROM jsonb_populate_record(NULL::{name}, $1::jsonb) AS source WHERE {matches}"
    found = (as_json(stored),)
    statement = f"{merge} WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({_of_source(row)})"
    yield Trial("MERGE ... INSERT", statement, Expectation.REFUSAL, adds, made_of, victim)
    statement = f"{merge} WHEN MATCHED THEN UPDATE SET {column} = source.{column}"
    yield Trial("MERGE ... UPDATE", statement, Expectation.NO_ROW, update, found, victim)
    yield Trial("MERGE ... DELETE", f"{merge} WHEN MATCHED THEN DELETE", Expectation.NO_ROW, delete, found, victim)
    statement = f"UPDATE {name} AS target SET {column} = source.{column} {where}"
    yield Trial("UPDATE ... WHERE", statement, Expectation.NO_ROW, update, found, victim)
    statement = f"DELETE FROM {name} AS target USING {where.removeprefix('FROM ')}"
    yield Trial("DELETE ... WHERE", statement, Expectation.NO_ROW, delete, found, victim)


def as_json(row: Row) -> str:
    """Return a row as JSON; PostgreSQL casts each value to its column's type."""
    return json.dumps(dict(row), default=str)


def _of_source(names: Row) -> str:
    return ", ".join(f"source.{quoted(name)}" for name in names)


def _policy(table: TableShape, caller: IsolationCaller, verb: str) -> str:
    return (
        f"restrict the policies for {verb} of {caller.role} on {table.name} to the caller's reach, or "
        f"{PROTECT.format(table=table.name)}"
    )
