"""One kind of finding."""

from dataclasses import dataclass

from sqlalchemy import TextClause

from multi_tenant_db.lint.finding import Finding


@dataclass(frozen=True)
class Rule:
    """A query whose every row breaks the rule: `place` says where, `remedy` what mends it, as SQL where it can be.

    `code` is stable, so scripts may rely on it. `meaning` is one sentence: what it is, and what could happen.
    Queries see only PostgreSQL's catalogue, so the service's own role may run them, and these parameters:
    `tenant_tables` (the oids of tables with tenants' data), `service_roles`, `all_roles`, and what `expected.py` lists.
    """

    code: str
    meaning: str
    query: TextClause
    is_warning: bool = False

    def finding(self, place: str, remedy: str) -> Finding:
        """Return what a row of the query says."""
        return Finding(self.code, place, self.meaning, remedy, self.is_warning)
