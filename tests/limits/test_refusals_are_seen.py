"""A request that is refused below the application stands in the log and in the metrics like any other."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from multi_tenant_db.development.ports import free_port
from tests.bad_input.exchange import converse
from tests.observability.test_metrics import scrape
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.wire_answer import WireAnswer, parse_head
from tests.support.wire_problems import check_problem

LONG_HEAD = b"GET /health HTTP/1.1\r\nX: " + b"a" * 100_000
METRICS_PORT = free_port()
REFUSED = {
    "malformed_request": (b"garbage\r\n\r\n", 400),
    "headers_too_large": (LONG_HEAD, 431),
    "target_too_long": (b"GET /" + b"a" * 100_000, 414),
    "body_too_slow": (b"GET /health HTTP/1.1\r\nX: ", 408),
}


@pytest.fixture(scope="module")
def service(database: TestDatabase) -> Iterator[ServedProcess]:
    """Run the service with metrics and little patience."""
    with served(database, log_level="info", body_timeout_seconds=1, metrics_port=METRICS_PORT) as service:
        yield service


@pytest.mark.parametrize("code", REFUSED)
async def test_a_refusal_below_the_application(service: ServedProcess, code: str) -> None:
    """The answer is a problem document; its request id, status and code are logged, and its code is counted."""
    data, status = REFUSED[code]
    head, _, body = (await asyncio.to_thread(converse, service.port, data)).partition(b"\r\n\r\n")
    answer = WireAnswer(*parse_head(head), body)
    problem = check_problem(answer, status, code)
    assert answer.header("connection") == "close"

    log = await asyncio.to_thread(service.log_until, problem["request_id"])
    [line] = [json.loads(line) for line in log.splitlines() if problem["request_id"] in line]
    assert (line["event"], line["status"], line["problem"]) == ("request", status, code)
    assert (line["method"], line["route"]) == (None, None)

    metrics = (await asyncio.to_thread(scrape, METRICS_PORT)).splitlines()
    [counted] = [line for line in metrics if line.startswith("mtdb_problems_total{") and f'code="{code}"' in line]
    assert float(counted.rpartition(" ")[2]) == 1
    assert any(f'method="none",route="none",status="{status}"' in line for line in metrics)


async def test_an_offer_to_upgrade_is_no_warning(service: ServedProcess) -> None:
    """Nothing that a client may offer appears in the log but the request's own line."""
    offer = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
    received = await asyncio.to_thread(converse, service.port, offer)
    assert received.startswith(b"HTTP/1.1 200")
    assert "upgrade" not in service.log_text().lower()
