"""Clients that are made of the OpenAPI document compile strictly, and do a day's work at the bank."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from multi_tenant_db.development.folders import LOCAL
from multi_tenant_db.development.npm import npm_command
from multi_tenant_db.main import create_app
from tests.support.organization import Organization
from tests.support.served_process import served
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

HERE = ROOT / "tests" / "contract" / "clients"
DAY = {
    "created": [201, 1, {"country": "MT", "nested": {"list": [1, "two", None, True]}}],
    "seen": True,
    "own": 1,
    "foreign": [404, "tenant_not_found"],
    "wrong": [422, ["/body/name"]],
    "renamed": [200, "HSBC Gozo"],
    "stale": [412, "precondition_failed"],
    "deleted": 204,
    "health": "healthy",
}
STRICT = ("--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes")
MODULES = ("--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2022")


@pytest.fixture
def document(database: TestDatabase, tmp_path: Path) -> Path:
    """Write the document that the service serves."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(create_app(database.settings()).openapi()), encoding="utf-8")
    return path


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program to its good end; return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def a_day(database: TestDatabase, hsbc: Organization, barclays: Organization, *command: str | Path, **more: str) -> Any:
    """Run a program against a service, with the tokens of three callers; return what it says of its day."""
    with served(database) as service:
        said = run(
            *command,
            cwd=ROOT,
            URL=f"http://127.0.0.1:{service.port}",
            PARENT=hsbc.parent.token,
            PARENT_ID=str(hsbc.parent.tenant_id),
            SUBSIDIARY=hsbc.subsidiaries[0].token,
            STRANGER=barclays.parent.token,
            **more,
        )
    return json.loads(said.splitlines()[-1])


def node_modules(npm: list[str], beside: dict[str, str]) -> Path:
    """Return the folder of the packages that the lock names, installed at the first run with this lock."""
    lock = HERE / "package-lock.json"
    made = LOCAL / "cache" / f"clients-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=made.parent))
        for name in ("package.json", lock.name):
            shutil.copy(HERE / name, unfinished)
        cache = f"--cache={LOCAL / 'cache' / 'npm'}"
        run(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cache, cwd=unfinished, **beside)
        unfinished.rename(made)
    return made / "node_modules"


def test_typescript(
    document: Path, database: TestDatabase, hsbc: Organization, barclays: Organization, tmp_path: Path
) -> None:
    """openapi-typescript's types, with openapi-fetch, compile by `tsc --strict`, and every answer is what they say."""
    npm = npm_command()
    beside = {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    shutil.copy(HERE / "bank_day.ts", tmp_path)
    (tmp_path / "package.json").symlink_to(HERE / "package.json")
    (tmp_path / "node_modules").symlink_to(node_modules(npm, beside))
    programs = tmp_path / "node_modules" / ".bin"
    run(programs / "openapi-typescript", document, "--output", "schema.d.ts", cwd=tmp_path, **beside)
    run(programs / "tsc", *STRICT, *MODULES, "bank_day.ts", cwd=tmp_path, **beside)

    assert a_day(database, hsbc, barclays, "node", tmp_path / "bank_day.js", **beside) == DAY


def test_python(
    document: Path, database: TestDatabase, hsbc: Organization, barclays: Organization, tmp_path: Path
) -> None:
    """openapi-python-client makes every operation, mypy finds it and its use well typed, and the day is the same."""
    run(sys.executable, ROOT / "scripts" / "bootstrap.py", "clients", cwd=ROOT)
    programs = LOCAL / "clients-venv" / "bin"
    (tmp_path / "generator.yaml").write_text("post_hooks: []\n", encoding="utf-8")
    said = run(
        *(programs / "openapi-python-client", "generate", "--meta", "none", "--fail-on-warning"),
        *("--config", tmp_path / "generator.yaml", "--path", document, "--output-path", tmp_path / "bank_client"),
        cwd=tmp_path,
    )
    assert "unable" not in said.lower()
    shutil.copy(HERE / "bank_day.py", tmp_path)
    python = programs / "python"
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--config-file", os.devnull)
    cache = f"--cache-dir={LOCAL / 'cache' / 'mypy-clients'}"
    run(*mypy, cache, "bank_day.py", cwd=tmp_path)

    assert a_day(database, hsbc, barclays, python, tmp_path / "bank_day.py", PYTHONPATH=str(tmp_path)) == DAY
