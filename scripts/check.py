"""The static checks of `make check`; all of them run, even if one fails."""

import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent

CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "types": ("mypy", "--no-error-summary"),
    "layering": ("lint-imports", "--no-logo"),
    "dependencies": ("deptry", "src"),
    "migrations": ("python", "scripts/lint_migrations.py"),
    "isolation": ("python", "scripts/lint_catalogue.py"),
    "Dockerfile": ("hadolint", "Dockerfile"),
    "docker-compose.yml": ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
    "workflow": ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml"),
}


def main() -> None:
    """Run the checks; exit code 1 if one fails."""
    failed = [name for name, command in CHECKS.items() if not passes(name, *command)]
    if failed:
        sys.exit(f"error: {', '.join(failed)}: see above; `make fmt` corrects formatting and simple findings.")


def passes(name: str, tool: str, *arguments: str) -> bool:
    """Run one check; show its output only if it fails."""
    sys.stdout.write(f"{name:20}")
    sys.stdout.flush()
    begin = time.monotonic()
    done = subprocess.run([TOOLS / tool, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    print(f"{'failed' if done.returncode else 'ok'}  {time.monotonic() - begin:5.1f} s")
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
