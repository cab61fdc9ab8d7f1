"""Tries every verb as every caller on a table with tenants' rows."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.testing.attacker import Attacker
from multi_tenant_db.testing.breach import Breach
from multi_tenant_db.testing.dependents import Dependents
from multi_tenant_db.testing.isolation_caller import IsolationCaller
from multi_tenant_db.testing.judge import judge
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from multi_tenant_db.testing.party import Party
from multi_tenant_db.testing.table_shape import TableShape, quoted
from multi_tenant_db.testing.two_organizations import TwoOrganizations
from multi_tenant_db.testing.verbs import COPY_TO, Row, as_json, trials_on_all, trials_on_one

type RowFactory = Callable[[Party], Mapping[str, object]]
"""Makes the content of a tenant's row: column and value, as JSON has it; organization_id and tenant_id are added."""

READS = ("SELECT", COPY_TO)


class IsolationCheck:
    """Every verb, as every caller, against every row out of the caller's reach, by SQL of the service's role.

    It also reads the views and calls the SECURITY DEFINER functions that the role may use, and runs the catalogue
    lint. It adds a row for each tenant, and deletes the rows at the end.
    """

    def __init__(
        self,
        database: MigratedDatabase,
        organizations: TwoOrganizations,
        table: str,
        make_row: RowFactory,
        *,
        tested_elsewhere: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._organizations = organizations
        self._table_name = table
        self._make_row = make_row
        self._tested_elsewhere = tested_elsewhere
        self._owners = {party.tenant_id: party.name for party in organizations.parties}

    async def breaches(self) -> list[Breach]:
        """Return every breach; raises ValueError when the table or the rows do not fit."""
        as_admin = await self._database.connect_as_admin()
        try:
            self._table = await TableShape.read(as_admin, self._table_name)
            async with self._rows(as_admin), self._attacker() as attacker:
                found = [
                    breach
                    for caller in self._organizations.callers
                    for breach in await self._of(caller, attacker, as_admin)
                ]
                dependents = Dependents(self._table, self._organizations, self._stored, self._tested_elsewhere)
                found += await dependents.breaches(as_admin, attacker)
            return found + await self._findings()
        finally:
            await as_admin.close()

    async def _of(self, caller: IsolationCaller, attacker: Attacker, as_admin: asyncpg.Connection) -> list[Breach]:
        found = []
        rows_in_reach = await self._rows_in_reach(caller, as_admin)
        sample = next(iter(self._stored.values()))
        trials = [*trials_on_all(self._table, caller, sample)]
        for party in self._organizations.parties:
            if not caller.may_reach(party.tenant_id):
                rows = self._made[party.tenant_id], self._stored[party.tenant_id]
                trials += trials_on_one(self._table, caller, party.name, *rows)
        for trial in trials:
            outcome = await attacker.attempt(caller, trial.verb, trial.statement, trial.arguments)
            what = judge(trial, caller, outcome, rows_in_reach, self._owners)
            if what is None and trial.verb in READS:
                seen = {UUID(str(tenant_id)) for _, tenant_id in outcome.rows}
                hidden = [name for owner, name in self._owners.items() if caller.may_reach(owner) and owner not in seen]
                what = f"does not see the row of {hidden[0]}, which is within its reach" if hidden else None
            if what:
                found.append(Breach(trial.verb, caller.name, what, trial.remedy))
        return found

    async def _rows_in_reach(self, caller: IsolationCaller, as_admin: asyncpg.Connection) -> int:
        condition = "" if caller.reach is None else " WHERE tenant_id = ANY ($1)"
        arguments = () if caller.reach is None else ([*caller.reach],)
        count: int = await as_admin.fetchval(f"SELECT count(*) FROM {self._table.name}{condition}", *arguments)
        return count

    @asynccontextmanager
    async def _rows(self, as_admin: asyncpg.Connection) -> AsyncIterator[None]:
        self._made: dict[UUID, Row] = {}
        self._stored: dict[UUID, Row] = {}
        heads = {
            party.tenant_id: organization.parent.tenant_id
            for organization in (self._organizations.first, self._organizations.second)
            for party in organization.parties
        }
        try:
            for party in self._organizations.parties:
                key = {"organization_id": heads[party.tenant_id], "tenant_id": party.tenant_id}
                self._made[party.tenant_id] = row = key | dict(self._make_row(party))
                self._stored[party.tenant_id] = await self._insert(as_admin, row)
            yield
        finally:
            statement = f"DELETE FROM {self._table.name} WHERE tenant_id = ANY ($1)"
            await as_admin.execute(statement, [*self._stored])

    async def _insert(self, as_admin: asyncpg.Connection, row: Row) -> Row:
        name, columns = self._table.name, ", ".join(map(quoted, row))
        statement = (
            f"INSERT INTO {name} AS new ({columns})"
            f" SELECT {columns} FROM jsonb_populate_record(NULL::{name}, $1::jsonb)"
            " RETURNING to_jsonb(new)::text"
        )
        try:
            stored = await as_admin.fetchval(statement, as_json(row))
        except asyncpg.PostgresError as error:
            raise ValueError(f"the row factory makes no valid row of {name}: {error}") from error
        found: Row = from_json(stored)
        return found

    @asynccontextmanager
    async def _attacker(self) -> AsyncIterator[Attacker]:
        connection = await self._database.connect_as_api()
        try:
            yield Attacker(connection, self._table)
        finally:
            await connection.close()

    async def _findings(self) -> list[Breach]:
        """Return the dangers of the whole catalogue, and the warnings on the table; not those on the server."""
        settings = self._database.settings()
        engine = create_engine(service_url(settings), settings, connections=1)
        try:
            report = await check_database(engine, allow_untested=True)
        finally:
            await engine.dispose()
        return [
            Breach("mtdb check", "", f"{finding.code}: {finding.place}", finding.remedy)
            for finding in report.findings
            if not finding.code.startswith("server-")
            and (not finding.is_warning or self._table.relation_name in finding.place)
        ]
