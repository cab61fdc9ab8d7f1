"""Every problem that the API may answer with, as a table."""

import inspect

from multi_tenant_db import errors
from multi_tenant_db.errors import ApplicationError


def problem_table() -> str:
    """Return a row for each error that has a code of its own, made from its class: by status, then by code."""
    kinds = [kind for kind in (getattr(errors, name) for name in errors.__all__) if hasattr(kind, "code")]
    rows = [_row(kind) for kind in sorted(kinds, key=_order)]
    return "\n".join(["| status | code | title | meaning | what to do |", "|---|---|---|---|---|", *rows]) + "\n"


def _order(kind: type[ApplicationError]) -> tuple[int, str]:
    return (kind.status, kind.code)


def _row(kind: type[ApplicationError]) -> str:
    meaning = " ".join((inspect.getdoc(kind) or "").split())
    return f"| {kind.status} | `{kind.code}` | {kind.title} | {meaning} | {kind.detail} |"
