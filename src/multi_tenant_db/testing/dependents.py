"""Views and functions by which the service's role could reach rows past the table's policies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from uuid import UUID

import asyncpg

from multi_tenant_db.testing.attacker import Attacker
from multi_tenant_db.testing.breach import Breach
from multi_tenant_db.testing.isolation_caller import IsolationCaller
from multi_tenant_db.testing.party import Party
from multi_tenant_db.testing.table_shape import TableShape
from multi_tenant_db.testing.two_organizations import TwoOrganizations
from multi_tenant_db.testing.verbs import Row

VIEWS = """
    SELECT class.oid::regclass::text AS name
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relkind IN ('v', 'm')
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND EXISTS (
          SELECT
          FROM unnest(ARRAY['tenancy_api', 'tenancy_platform']) AS role (name)
          WHERE has_schema_privilege(role.name, namespace.oid, 'USAGE')
            AND has_any_column_privilege(role.name, class.oid, 'SELECT')
      )
    ORDER BY 1
"""
FUNCTIONS = """
    SELECT routine.oid::regprocedure::text AS signature,
           quote_ident(namespace.nspname) || '.' || quote_ident(routine.proname) AS name,
           routine.pronargs AS arguments,
           routine.proargtypes::oid[] <@ ARRAY['uuid'::regtype::oid] AS takes_ids,
           -- The body of a function in SQL standard form is not in prosrc.
           strpos(pg_get_functiondef(routine.oid), $1) > 0 AS names_table
    FROM pg_catalog.pg_proc AS routine
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = routine.pronamespace
    WHERE routine.prosecdef
      AND routine.prokind = 'f'
      AND routine.prorettype <> 'trigger'::regtype
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND EXISTS (
          SELECT
          FROM unnest(ARRAY['tenancy_api', 'tenancy_platform']) AS role (name)
          WHERE has_schema_privilege(role.name, namespace.oid, 'USAGE')
            AND has_function_privilege(role.name, routine.oid, 'EXECUTE')
      )
    ORDER BY 1
"""
ROLES = "tenancy_api, tenancy_platform"
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST_ARGUMENTS = 2
SHORTEST_MARK = 8
"""A shorter text may stand in a row by chance."""


class Dependents:
    """Reads every view and calls every SECURITY DEFINER function that the service's role may use, as every caller.

    Rows of other tenants are recognised by their ids and by texts that only they have.
    """

    def __init__(
        self,
        table: TableShape,
        organizations: TwoOrganizations,
        stored: Mapping[UUID, Row],
        tested_elsewhere: Sequence[str],
    ) -> None:
        self._table = table
        self._organizations = organizations
        self._stored = stored
        self._tested_elsewhere = tested_elsewhere
        self._marks = {party.tenant_id: self._marks_of(party) for party in organizations.parties}

    async def breaches(self, as_admin: asyncpg.Connection, attacker: Attacker) -> list[Breach]:
        """Return what callers reach by views and functions, and the functions that could not be called."""
        found = []
        for (name,) in await as_admin.fetch(VIEWS):
            remedy = f"ALTER VIEW {name} SET (security_invoker = true), or REVOKE ALL ON {name} FROM {ROLES}"
            statement = f"SELECT found::text FROM {name} AS found"
            found += await self._reached(attacker, f"SELECT from {name}", statement, [()], remedy)
        for function in await as_admin.fetch(FUNCTIONS, self._table.relation_name):
            signature, name, count = function["signature"], function["name"], function["arguments"]
            if signature in self._tested_elsewhere:
                continue
            if function["takes_ids"] and count <= MOST_ARGUMENTS:
                places = ", ".join(f"${number}::uuid" for number in range(1, count + 1))
                revoke = f"REVOKE EXECUTE ON FUNCTION {signature} FROM {ROLES}"
                remedy = f"ALTER FUNCTION {signature} SECURITY INVOKER, or {revoke}"
                statement = f"SELECT found::text FROM {name}({places}) AS found"
                calls = [*self._arguments(count)]
                found += await self._reached(attacker, f"a call of {signature}", statement, calls, remedy)
            elif function["names_table"]:
                what = "may run it past the policies, and the test does not know with which arguments"
                remedy = f"test it yourself, then name it: tested_elsewhere=[{signature!r}]"
                found.append(Breach(f"a call of {signature}", "tenancy_api", what, remedy))
        return found

    async def _reached(
        self, attacker: Attacker, verb: str, statement: str, calls: Sequence[tuple[UUID, ...]], remedy: str
    ) -> list[Breach]:
        found = []
        for caller in self._organizations.callers:
            for arguments in calls:
                outcome = await attacker.attempt(caller, verb, statement, arguments)
                texts = "\n".join(str(text) for (text,) in outcome.rows) + outcome.message
                if victim := self._betrayed(caller, texts, arguments):
                    found.append(Breach(verb, caller.name, f"reached a row of {victim.name}", remedy))
                    break
        return found

    def _betrayed(self, caller: IsolationCaller, texts: str, arguments: tuple[UUID, ...]) -> Party | None:
        given = {str(known) for known in (*arguments, *caller.knows)}
        for party in self._organizations.parties:
            marks = self._marks[party.tenant_id] - given
            if not caller.may_reach(party.tenant_id) and any(mark in texts for mark in marks):
                return party
        return None

    def _arguments(self, count: int) -> Iterator[tuple[UUID, ...]]:
        for organization in (self._organizations.first, self._organizations.second):
            owners = [organization.parent.tenant_id, organization.subsidiaries[0].tenant_id]
            ids = dict.fromkeys([*owners, *(row_id for owner in owners for row_id in _ids(self._stored[owner]))])
            yield from product(ids, repeat=count)

    def _marks_of(self, party: Party) -> set[str]:
        others = {
            value for tenant_id, row in self._stored.items() if tenant_id != party.tenant_id for value in _texts(row)
        }
        return {str(party.tenant_id)} | {
            value for value in _texts(self._stored[party.tenant_id]) - others if len(value) >= SHORTEST_MARK
        }


def _texts(row: Row) -> set[str]:
    return {value for value in row.values() if isinstance(value, str)}


def _ids(row: Row) -> list[UUID]:
    return [UUID(value) for value in sorted(_texts(row)) if UUID_TEXT.fullmatch(value)]
