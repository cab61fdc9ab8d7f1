"""Traces: a request and its statements in the caller's trace, without a tenant's data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.mtdb import settings_for
from tests.support.organization import Organization
from tests.support.served_process import served
from tests.support.span_receiver import span_receiver
from tests.support.test_database import TestDatabase

TRACE, CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER, CLIENT = 2, 3
PRIVATE_NAME = "A name that is on no span"
LOADED = """
import sys
from multi_tenant_db.main import create_app
create_app()
print(*[name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
"""


async def test_a_request_continues_the_callers_trace(
    database: TestDatabase, hsbc: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is a span below the caller's, its statements are below it, and none tells a token, id or name."""
    path = f"/tenants/{hsbc.subsidiaries[0].tenant_id}"
    headers = hsbc.parent.headers | {"traceparent": f"00-{TRACE}-{CALLERS_SPAN}-01"}
    body = {"name": PRIVATE_NAME, "metadata": {}}
    with span_receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        with served(database, log_level="info") as service:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", headers=headers) as client:
                changed = await client.put(path, json=body)
                refused = await client.post(
                    "/tenants",
                    json=body | {"tenant_type": "subsidiary", "parent_tenant_id": str(hsbc.parent.tenant_id)},
                )
            log = service.log_until(refused.headers["X-Request-ID"])
        # The service has ended, and sent what it had.
    assert (changed.status_code, refused.status_code) == (200, 409)
    spans = receiver.spans_of(TRACE)
    requests = {span.name: span for span in spans if span.kind == SERVER}
    assert set(requests) == {"PUT /tenants/{tenant_id}", "POST /tenants"}
    assert {span.parent_span_id.hex() for span in requests.values()} == {CALLERS_SPAN}
    statements = [span for span in spans if span.kind == CLIENT]
    assert {span.parent_span_id for span in statements} == {span.span_id for span in requests.values()}
    texts = [a.value.string_value for span in statements for a in span.attributes if a.key.startswith("db.")]
    assert any("tenancy.sign_in" in text for text in texts)

    assert log.count(f'"trace_id": "{TRACE}"') >= 2
    sent = b"".join(receiver.bodies)
    for private in (hsbc.parent.token, PRIVATE_NAME, str(hsbc.parent.tenant_id), str(hsbc.subsidiaries[0].tenant_id)):
        assert private.encode() not in sent
    assert not [span for span in spans if span.events or span.status.message]


@pytest.mark.exhaustive
def test_without_an_endpoint_nothing_is_loaded(database: TestDatabase, tmp_path: Path) -> None:
    """Without an endpoint for traces, neither the SDK nor the exporter is imported."""
    environment = {"PATH": os.environ["PATH"], **settings_for(database)}
    command = [sys.executable, "-c", LOADED]
    loaded = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


NAMES = """
import json, os, sys
from fastapi import FastAPI
from multi_tenant_db.observability.tracing import trace_requests
for variables in json.loads(sys.argv[1]):
    os.environ |= variables
    app = FastAPI()
    trace_requests(app)
    providers = [added.kwargs["provider"] for added in app.user_middleware]
    print("said:", *[provider.resource.attributes["service.name"] for provider in providers] or ["no traces"])
    for name in variables:
        del os.environ[name]
"""
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
WARNED = "warning, no traces"
VARIABLES: list[tuple[dict[str, str], str]] = [
    ({}, "multi-tenant-db"),
    ({"OTEL_SERVICE_NAME": ""}, "multi-tenant-db"),
    ({"OTEL_SERVICE_NAME": "ledger"}, "ledger"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=payments,team=a"}, "payments"),
    ({"OTEL_SERVICE_NAME": "ledger", "OTEL_RESOURCE_ATTRIBUTES": "service.name=payments"}, "ledger"),
    ({"OTEL_TRACES_EXPORTER": "otlp"}, "multi-tenant-db"),
    ({"OTEL_TRACES_EXPORTER": "none"}, "no traces"),
    ({"OTEL_SDK_DISABLED": "true"}, "no traces"),
    ({"OTEL_TRACES_EXPORTER": "console"}, WARNED),
    ({"OTEL_BSP_MAX_QUEUE_SIZE": "16"}, WARNED),
    ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"}, WARNED),
    ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "many"}, "multi-tenant-db"),
]


def test_the_environment_configures_or_disables_tracing(tmp_path: Path) -> None:
    """OpenTelemetry's variables name the service; an invalid one is a warning, and the service starts."""
    environment = {"PATH": os.environ["PATH"], **ENDPOINT}
    command = [sys.executable, "-c", NAMES, json.dumps([variables for variables, _ in VARIABLES])]
    outcome = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    said, warned = [], ""
    for line in outcome.stdout.splitlines():
        if line.startswith("said: "):
            said.append(warned + line.removeprefix("said: "))
            warned = ""
        elif "no traces" in line:
            warned = "warning, "
    assert dict(enumerate(said)) == dict(enumerate(outcome for _, outcome in VARIABLES))


@pytest.mark.exhaustive
def test_a_propagator_that_is_not_installed_is_left_out(tmp_path: Path) -> None:
    """A propagator that is not installed is left out, since FastAPI could not be imported with it."""
    environment = {"PATH": os.environ["PATH"], "OTEL_PROPAGATORS": "tracecontext, b3multi", **ENDPOINT}
    command = [
        sys.executable,
        "-c",
        "from multi_tenant_db.main import create_app; import os; print(os.environ['OTEL_PROPAGATORS'])",
    ]
    outcome = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert outcome.stdout == "tracecontext\n"
    assert "OTEL_PROPAGATORS names b3multi" in outcome.stderr
