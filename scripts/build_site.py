"""Builds the documentation site in .local/site, including the scripts that it would otherwise load from a network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.npm import npm_command

PACKAGE = PROJECT / "scripts" / "site"
INSTALLED = LOCAL / "site-scripts"
SITE = LOCAL / "site"
SCRIPTS = {
    "mermaid.tiny.js": INSTALLED / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js",
    "iframe-worker.js": INSTALLED / "node_modules" / "iframe-worker" / "shim" / "index.js",
}
"""The scripts in zensical.toml's `extra_javascript` and `polyfills`, with their paths after npm's installation."""


def main() -> None:
    """Build the pages, then add the scripts."""
    run(sys.executable, PROJECT / "scripts" / "bootstrap.py", "docs")
    install_scripts()
    run(LOCAL / "docs-venv" / "bin" / "zensical", "build", "--clean", "--strict")
    (SITE / "javascripts").mkdir(exist_ok=True)
    for name, script in SCRIPTS.items():
        shutil.copy(script, SITE / "javascripts" / name)


def install_scripts() -> None:
    """Install the scripts as locked, unless they are installed."""
    lock, installed = PACKAGE / "package-lock.json", INSTALLED / "package-lock.json"
    if all(script.exists() for script in SCRIPTS.values()) and installed.read_bytes() == lock.read_bytes():
        return
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGE / name, INSTALLED)
    cache = f"--cache={LOCAL / 'cache' / 'npm'}"
    npm = npm_command()
    run(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cache, folder=INSTALLED)


def run(*command: str | Path, folder: Path = PROJECT) -> None:
    """Run a program with its folder on PATH; exit with its code if it fails."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
