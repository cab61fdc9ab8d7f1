"""The generator's rate against a server that does nothing, on the same machine in the same run."""

import sys

from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.http import compose
from benchmarks.measures.bench import Bench
from benchmarks.measures.sample import Sample
from benchmarks.peers.nothing import BODY
from benchmarks.running_process import RunningProcess
from benchmarks.steps import Begin
from multi_tenant_db.development.folders import PROJECT
from multi_tenant_db.development.ports import free_port

MEASURE = "headroom"


def measure_headroom(bench: Bench, begin: Begin) -> list[Sample]:
    """Measure with the same numbers of clients as for the peers."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.nothing", str(port)]
    requests = [
        CheckedRequest(compose("GET", "/tenants/none", {"Authorization": "Bearer none"}), 200, BODY, exact=True)
    ]
    samples = []
    advance = begin(bench.extent.rounds * len(bench.extent.clients))
    with RunningProcess(command, {"PYTHONPATH": str(PROJECT)}, port, "/") as process:
        for number in range(bench.extent.rounds):
            for clients in bench.extent.clients:
                batch, figures = bench.send(process, requests, clients)
                samples.append(Sample(MEASURE, number, {"clients": clients}, batch.responses, batch.checked, figures))
                advance(1, f"{clients} clients")
    return samples
