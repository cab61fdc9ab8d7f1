"""A rule of the catalogue lint."""

from dataclasses import dataclass

from sqlalchemy import TextClause

from multi_tenant_db.lint.finding import Finding


@dataclass(frozen=True)
class Rule:
    """A query that returns a row for each violation, with its `place` and its `remedy`, as SQL if possible.

    `code` is stable, so scripts may rely on it. `meaning` is one sentence: the reason and the possible consequence.
    Queries read only PostgreSQL's catalogue, so the service's role may run them, and these parameters:
    `tenant_tables` (the oids of tables with tenants' data), `unfinished_tables` (those that `mtdb table` works on),
    `service_roles`, `all_roles`, and what `expected.py` lists.
    """

    code: str
    meaning: str
    query: TextClause
    is_warning: bool = False

    def finding(self, place: str, remedy: str) -> Finding:
        """Return the finding for a row of the query."""
        return Finding(self.code, place, self.meaning, remedy, self.is_warning)
