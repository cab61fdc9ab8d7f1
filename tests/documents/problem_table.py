"""Every problem that the API may answer with, as a table."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

from multi_tenant_db import errors
from multi_tenant_db.errors import ApplicationError


def problem_table() -> str:
    """Return a row for each error, made from its class: by status, then by code."""
    for module in iter_modules(errors.__path__):
        import_module(f"{errors.__name__}.{module.name}")
    kinds = [kind for kind in ApplicationError.__subclasses__() if kind.__module__.startswith(f"{errors.__name__}.")]
    rows = [_row(kind) for kind in sorted(kinds, key=_order)]
    return "\n".join(["| status | code | meaning | what to do |", "|---|---|---|---|", *rows]) + "\n"


def _order(kind: type[ApplicationError]) -> tuple[int, str]:
    return (getattr(kind, "status", 0), getattr(kind, "code", ""))


def _row(kind: type[ApplicationError]) -> str:
    meaning = " ".join((inspect.getdoc(kind) or "").split())
    return f"| {kind.status} | `{kind.code}` | {meaning} | {kind.detail} |"
