"""Rules for the code: the layers, the one place that commits, no dead settings, no escape from the session."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from multi_tenant_db.settings import Settings
from tests.support.sources import ROOT, for_each, name_of, parse, python_files

SERVICE = [path for path in python_files("src") if "/multi_tenant_db/testing/" not in name_of(path)]
"""Without the tools for tests, which attack past the service's layers."""
TRANSACTIONS = "src/multi_tenant_db/database/tenant_session.py"
REFUSALS = "src/multi_tenant_db/database/bound_session.py"
"""Refuses begin and rollback of SQLAlchemy's session, and passes savepoints on."""
CONNECTING = "src/multi_tenant_db/database/connecting.py"
QUERY = re.compile(r"\b(?:select|insert|update|delete)\(Tenant|(?:FROM|INTO|UPDATE) tenancy\.tenants")
SETTINGS = "src/multi_tenant_db/settings.py"


def test_imports_follow_the_layers() -> None:
    """Routers call services, services call repositories, and no layer imports a higher one."""
    linter = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@for_each([p for p in SERVICE if name_of(p) not in {TRANSACTIONS, REFUSALS}])
def test_one_place_begins_and_ends_transactions(path: Path) -> None:
    """Only tenant_session.py begins, commits or rolls back."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"begin", "begin_nested", "commit", "rollback", "autocommit"}, (
                f"{name_of(path)}:{node.lineno} calls {node.attr}(): the transaction belongs to {TRANSACTIONS}"
            )


@for_each([p for p in SERVICE if "/repositories/" not in name_of(p)])
def test_queries_on_tenants_live_in_repositories(path: Path) -> None:
    """No statement on the tenants' tables is built outside the repositories."""
    found = [match[0] for match in QUERY.finditer(path.read_text(encoding="utf-8"))]
    assert not found, f"{name_of(path)} builds a query ({found}): move it to a repository"


@for_each([p for p in SERVICE if re.search("/(services|repositories|database|lint|schema|errors)/", name_of(p))])
def test_only_the_http_layer_builds_headers(path: Path) -> None:
    """Below the HTTP layer no error is given headers: how long to wait is `retry_after_seconds`, the rest is HTTP's."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            given = [keyword.arg for keyword in node.keywords]
            assert "headers" not in given, f"{name_of(path)}:{node.lineno} builds a header: leave it to http/"


@for_each([p for p in SERVICE if name_of(p) != CONNECTING])
def test_one_place_opens_connections(path: Path) -> None:
    """Only connecting.py, for the pool and for the administrator's installation, knows how a connection is made."""
    assert "asyncpg.connect" not in path.read_text(encoding="utf-8"), f"{name_of(path)} connects past the pool"


@for_each(SERVICE)
def test_statements_are_compiled_at_import(path: Path) -> None:
    """No function compiles a statement: after constant texts alone, a connection is given back without a reset."""
    for function in ast.walk(parse(path)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        calls = {
            node.func.id
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if calls & {"CompiledStatement", "_tenants"}:
            assert getattr(function, "name", "") == "_tenants", (
                f"{name_of(path)}:{function.lineno} compiles a statement"
            )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_used_and_described(name: str) -> None:
    """An unused setting is removed, and one that exists is described."""
    readers = [path for path in SERVICE if name_of(path) != SETTINGS]
    used = any(re.search(rf"settings\.{name}\b", path.read_text(encoding="utf-8")) for path in readers)
    assert used, f"no code reads settings.{name}: remove it"
    assert Settings.model_fields[name].description, f"settings.{name} has no description"


@for_each(SERVICE)
def test_no_statement_is_put_together_from_text(path: Path) -> None:
    """No SQL is built by formatting: values are parameters, and a token is never part of a statement."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text" and node.args:
            assert isinstance(node.args[0], ast.Constant), f"{name_of(path)}:{node.lineno}: use bind parameters"
