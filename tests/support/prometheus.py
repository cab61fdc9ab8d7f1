"""A real Prometheus, and the exporter of PostgreSQL's statistics, as far as this machine has them."""

import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from multi_tenant_db.development.ports import free_port
from tests.support.programs import find_program
from tests.support.test_database import TestDatabase

PROGRAM = find_program("prometheus")
EXPORTER = find_program("prometheus-postgres-exporter")

CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
- {{job_name: multi-tenant-db, static_configs: [{{targets: ["127.0.0.1:{service}"]}}]}}
- {{job_name: postgres, static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]}}
"""


def ask(port: int, path: str, **parameters: object) -> list[Any]:
    """Return the result of a query; none while Prometheus does not answer yet."""
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{parameters}: {error.read().decode()}") from error
    except OSError:
        return []


@contextmanager
def prometheus(database: TestDatabase, metrics_port: int) -> Iterator[int]:
    """Watch a service and its database, once a second; give the port that takes queries."""
    port, exporter = free_port(), free_port()
    url = database.admin_url
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(service=metrics_port, exporter=exporter))
        commands = [
            [
                str(PROGRAM),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ]
        ]
        if EXPORTER:
            commands.append([EXPORTER, f"--web.listen-address=127.0.0.1:{exporter}"])
        environment = os.environ | {
            "DATA_SOURCE_NAME": f"postgresql://{url.username}:{url.password or ''}@{url.host}:{url.port}/{url.database}"
            "?sslmode=disable"
        }
        with (folder / "log").open("wb") as log:
            processes = [subprocess.Popen(c, env=environment, stdout=log, stderr=log) for c in commands]
        try:
            yield port
        finally:
            for process in processes:
                process.terminate()
                process.wait()
