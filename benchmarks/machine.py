"""Description of the machine."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from benchmarks.data.server import SETTINGS, Server


async def describe_machine(server: Server) -> dict[str, str]:
    """Return processor, memory, versions and server settings."""
    connection = await asyncpg.connect(server.url())
    try:
        version = str(await connection.fetchval("SHOW server_version")).split(" ", 1)[0]
    finally:
        await connection.close()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.release()} on {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
        "postgresql": version,
        "settings": ", ".join(f"{name} = {value}" for name, value in SETTINGS.items()),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists() and (model := re.search(r"model name\s*: (.+)", information.read_text())):
        return model[1].strip()
    return platform.processor() or "processor unknown"
