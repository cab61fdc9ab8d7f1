"""The path of a request through the service's files: few files, down the layers, as README lists them."""

import re
import tomllib
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support.http_server import http_server
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase
from tests.support.walk import Walk

ROOT = Path(__file__).resolve().parents[2]
FILE_LIMITS = {"GET": 15, "PUT": 19}


@pytest.fixture(params=FILE_LIMITS)
def method(request: pytest.FixtureRequest) -> str:
    """Choose the request."""
    return str(request.param)


@pytest.fixture
async def walk(database: TestDatabase, hsbc: Organization, method: str) -> Walk:
    """Record a request to a service that has served the same one before."""
    walk = Walk()
    url = f"/tenants/{hsbc.parent.tenant_id}"
    body = {"name": "HSBC", "metadata": {"walk": str(uuid4())}} if method == "PUT" else None
    async with (
        http_server(database.settings()) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=hsbc.parent.headers) as client,
    ):
        assert (await client.request(method, url, json=body)).status_code == 200
        with walk.recorded():
            assert (await client.request(method, url, json=body)).status_code == 200
    return walk


async def test_a_request_enters_few_files(walk: Walk, method: str) -> None:
    """From the socket to SQL and back, a request enters no more files than a reader can follow."""
    assert len(walk.files) <= FILE_LIMITS[method], "\n".join(walk.files)


async def test_no_file_calls_one_of_a_higher_layer(walk: Walk) -> None:
    """Calls go down the layers, as imports do; only the framework calls the endpoint."""
    layers = _layers()
    assert walk.calls
    assert [(caller, called) for caller, called in walk.calls if layers[_layer(called)] < layers[_layer(caller)]] == []


async def test_readme_names_every_file_of_the_way(walk: Walk, method: str) -> None:
    """README's "Follow a request" lists the files that each request enters, in this order, and no other."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Follow a request")[1].split("\n## ")[0]
    named = re.findall(r"`src/multi_tenant_db/([\w/]+\.py)`( \(PUT\))?", section.split("5. **Answer.**")[0])
    assert [file for file, only_put in named if method == "PUT" or not only_put] == walk.files


def _layers() -> dict[str, int]:
    """Return each package's layer by the contract that `make check` enforces; 0 is the highest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [found for found in project["tool"]["importlinter"]["contracts"] if found["type"] == "layers"]
    return {name: number for number, line in enumerate(contract["layers"]) for name in line.split(" | ")}


def _layer(file: str) -> str:
    return file.split("/", maxsplit=1)[0].removesuffix(".py")
