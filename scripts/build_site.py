"""Build the documents' site in .local/site, with the renderer of its diagrams, so that a reader needs no network."""

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
RENDERER = INSTALLED / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"


def main() -> None:
    """Build the pages, then add the renderer that they load (`extra_javascript` in zensical.toml)."""
    run(sys.executable, PROJECT / "scripts" / "bootstrap.py", "docs")
    install_renderer()
    run(LOCAL / "docs-venv" / "bin" / "zensical", "build", "--clean", "--strict")
    target = SITE / "javascripts" / RENDERER.name
    target.parent.mkdir(exist_ok=True)
    shutil.copy(RENDERER, target)


def install_renderer() -> None:
    """Install Mermaid as locked, unless it is there."""
    lock, installed = PACKAGE / "package-lock.json", INSTALLED / "package-lock.json"
    if RENDERER.exists() and installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGE / name, INSTALLED)
    cache = f"--cache={LOCAL / 'cache' / 'npm'}"
    npm = npm_command()
    run(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cache, folder=INSTALLED)


def run(*command: str | Path, folder: Path = PROJECT) -> None:
    """Run a program, with the programs beside it on PATH; end with its exit code if it fails."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
