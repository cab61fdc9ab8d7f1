"""Every problem that the API may answer with, as a table."""

import inspect

from multi_tenant_db import errors
from multi_tenant_db.errors import ApplicationError


def problem_table() -> str:
    """Return a row for each error, made from its class: by status, then by code."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    rows = [_row(kind) for kind in sorted(kinds, key=_order) if kind is not ApplicationError]
    return "\n".join(["| status | code | meaning | what to do |", "|---|---|---|---|", *rows]) + "\n"


def _order(kind: type[ApplicationError]) -> tuple[int, str]:
    return (getattr(kind, "status", 0), getattr(kind, "code", ""))


def _row(kind: type[ApplicationError]) -> str:
    meaning = " ".join((inspect.getdoc(kind) or "").split())
    return f"| {kind.status} | `{kind.code}` | {meaning} | {kind.detail} |"
