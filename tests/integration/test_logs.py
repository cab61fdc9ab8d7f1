"""The log of a real `mtdb serve`: one line for each request, and no secret."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.support.bodies import a_parent, a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.sabotage import DEFECT, OVERLOAD, refused_names
from tests.support.sent_request import SentRequest
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import API_PASSWORD, TestDatabase

ONE = "/tenants/{tenant_id}"
SECRET = f"secret-{uuid4().hex}"
"""Stands in every name, metadata, query, token, path and precondition that the tests send."""


@asynccontextmanager
async def requests_of_every_outcome(
    as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, platform_operator: Party
) -> AsyncIterator[list[SentRequest]]:
    """Give the requests, for as long as the database is made to refuse some of them."""
    parent, subsidiary = hsbc.parent, hsbc.subsidiaries[0]
    own, other = f"/tenants/{parent.tenant_id}", f"/tenants/{subsidiary.tenant_id}"
    stranger = Party(uuid4(), "stranger", SECRET)
    renamed = a_replacement(f"{SECRET} 2", note=SECRET)
    named = {"name": SECRET, "metadata": {SECRET: SECRET, "list": [SECRET]}}
    too_large = {"json": a_replacement(SECRET, x=SECRET * 5_000)}
    async with (
        refused_names(as_admin, DEFECT, at_commit=False) as defect,
        refused_names(as_admin, DEFECT, at_commit=True) as late_defect,
        refused_names(as_admin, OVERLOAD, at_commit=False) as overload,
    ):
        defects = [{"json": a_replacement(f"{start} {SECRET}", note=SECRET)} for start in (defect, late_defect)]
        yield [
            SentRequest("GET", "/health", "/health", 200, None),
            SentRequest("GET", "/tenants", "/tenants", 200, parent),
            SentRequest("GET", "/tenants", "/tenants", 200, platform_operator),
            SentRequest("POST", "/tenants", "/tenants", 201, parent, {"json": a_subsidiary_of(parent) | named}),
            SentRequest("POST", "/tenants", "/tenants", 409, parent, {"json": a_subsidiary_of(parent) | named}),
            SentRequest("POST", "/tenants", "/tenants", 403, subsidiary, {"json": a_parent() | named}),
            SentRequest(
                "POST", "/tenants", "/tenants", 422, platform_operator, {"json": a_subsidiary_of(subsidiary) | named}
            ),
            SentRequest("GET", own, ONE, 200, parent),
            SentRequest("GET", own, ONE, 304, parent, {"headers": {"If-None-Match": f'"{SECRET}", "1"'}}),
            SentRequest("PUT", own, ONE, 200, parent, {"json": renamed}),
            SentRequest("PUT", own, ONE, 412, parent, {"json": renamed, "headers": {"If-Match": f'"{SECRET}"'}}),
            SentRequest("PUT", own, ONE, 400, parent, {"json": renamed, "headers": {"If-Match": SECRET}}),
            SentRequest("PUT", own, ONE, 409, platform_operator, {"json": named}),
            SentRequest("PUT", own, ONE, 500, parent, defects[0]),
            SentRequest("PUT", own, ONE, 500, platform_operator, defects[1]),
            SentRequest("PUT", own, ONE, 503, parent, {"json": a_replacement(f"{overload} {SECRET}", note=SECRET)}),
            SentRequest("PUT", own, ONE, 422, parent, {"json": {"name": 1, "metadata": SECRET, SECRET: SECRET}}),
            SentRequest("PUT", own, ONE, 400, None, {"content": f'{{"{SECRET}": "{SECRET}'}),
            SentRequest("PUT", own, ONE, 413, None, too_large),
            SentRequest("PUT", own, ONE, 415, None, {"content": SECRET, "headers": {"Content-Type": f"text/{SECRET}"}}),
            SentRequest("GET", other, ONE, 200, subsidiary),
            SentRequest("GET", "/tenants", "/tenants", 200, hsbc.subsidiaries[1]),
            SentRequest("GET", f"/tenants/{barclays.parent.tenant_id}", ONE, 404, parent),
            SentRequest("DELETE", own, ONE, 409, platform_operator),
            SentRequest("DELETE", own, ONE, 403, parent, {"params": {"cascade": "true"}}),
            SentRequest("DELETE", f"/tenants/{hsbc.subsidiaries[1].tenant_id}", ONE, 204, parent),
            SentRequest("GET", "/tenants", "/tenants", 401, None),
            SentRequest("GET", "/tenants", "/tenants", 401, stranger),
            SentRequest("GET", "/tenants", "/tenants", 422, parent, {"params": {"cursor": SECRET, SECRET: SECRET}}),
            SentRequest("GET", f"/tenants/{SECRET}", ONE, 422, parent),
            SentRequest("GET", f"/{SECRET}", None, 404, None, {"params": {SECRET: SECRET}}),
            SentRequest(
                "GET", f"/tenants/%0A%7B%22event%22: %22request%22, %22x%22: %22{SECRET}%22%7D", ONE, 422, parent
            ),
        ]


@dataclass
class Logged:
    """What a service wrote about the requests, and who sent them."""

    requests: list[SentRequest]
    service: ServedProcess
    parties: list[Party]
    platform_operator: Party


async def send_all(service: ServedProcess, requests: list[SentRequest]) -> None:
    """Send each request with its id, one after the other."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        for sent in requests:
            contents = dict(sent.contents)
            given = {"Content-Type": "application/json"} if "content" in contents else {}
            given |= contents.pop("headers", {}) | {"X-Request-ID": sent.request_id}
            headers = given | (sent.caller.headers if sent.caller else {})
            response = await client.request(sent.method, sent.path, headers=headers, **contents)
            assert response.status_code == sent.status, (sent, response.text)


@pytest.fixture(scope="module")
async def logged(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """Run the service at its most talkative, send everything, and give what it wrote."""
    operator, admin = await database.connect_as_operator(), await database.connect_as_admin()
    registry = Registry(operator)
    hsbc, barclays = await registry.create_organization("HSBC"), await registry.create_organization("Barclays")
    platform_operator = Party(uuid4(), "platform operator", await registry.issue_operator_token())
    folder = tmp_path_factory.mktemp("service")
    async with requests_of_every_outcome(admin, hsbc, barclays, platform_operator) as requests:
        with served(database, folder=folder, log_level="debug") as service:
            await send_all(service, requests)
    for connection in (operator, admin):
        await connection.close()
    return Logged(requests, service, hsbc.parties, platform_operator)


def log_lines(logged: Logged) -> list[dict[str, Any]]:
    """Return the log as the JSON objects that it must consist of."""
    return [json.loads(line) for line in logged.service.log_text().splitlines()]


def test_a_request_is_one_line(logged: Logged) -> None:
    """The line has caller, route, status and duration under the request id of the answer."""
    lines = [line for line in log_lines(logged) if line["event"] == "request"]
    for sent in logged.requests:
        (line,) = [line for line in lines if line["request_id"] == sent.request_id]
        expected = sent.line(logged.platform_operator)
        assert {name: line[name] for name in expected} == expected
        assert 0 < line["duration_ms"] < 60_000
    others = [line for line in lines if line["request_id"] not in {sent.request_id for sent in logged.requests}]
    assert {line["route"] for line in others} == {"/health"}, "the tests wait for a healthy service"


def test_no_line_knows_a_secret(logged: Logged) -> None:
    """No token, name, metadata, query, path, precondition or password is in the log, whatever the outcome was."""
    assert SECRET not in logged.service.log_text()
    assert API_PASSWORD not in logged.service.log_text()
    for party in logged.parties:
        assert str(party.tenant_id) in logged.service.log_text(), "the caller is not a secret"
        assert party.name not in logged.service.log_text()
    for party in [*logged.parties, logged.platform_operator]:
        assert party.token not in logged.service.log_text()


@pytest.mark.parametrize(
    ("event", "status", "level"), [("unhandled_exception", 500, "error"), ("failure", 503, "warning")]
)
def test_a_failure_is_explained_under_the_id_of_its_request(
    logged: Logged, event: str, status: int, level: str
) -> None:
    """A 500 logs its traceback and a 503 its cause, with the request's id; nothing else is logged as either."""
    lines = {line["request_id"]: line for line in log_lines(logged) if line["event"] == event}
    assert set(lines) == {sent.request_id for sent in logged.requests if sent.status == status}
    for line in lines.values():
        assert line["level"] == level
        assert "refused by a test" in line["exception" if event == "unhandled_exception" else "cause"]


async def test_people_may_read_text_instead(database: TestDatabase, tmp_path: Path, hsbc: Organization) -> None:
    """With MTDB_LOG_FORMAT=text a line is plain text, and has no secret either."""
    with served(database, folder=tmp_path, log_level="info", log_format="text") as service:
        async with httpx.AsyncClient(base_url=service.url, headers=hsbc.parent.headers) as client:
            await client.get("/tenants", params={SECRET: SECRET})
            await client.get("/tenants")
    line = next(line for line in service.log_text().splitlines() if str(hsbc.parent.tenant_id) in line)
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)
    assert "/tenants" in line
    for secret in (SECRET, hsbc.parent.token, hsbc.parent.name):
        assert secret not in service.log_text()
