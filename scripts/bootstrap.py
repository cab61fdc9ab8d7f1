"""Creates this project's Python environment; needs only Python 3.9 or newer.

bootstrap.py          .venv: Python 3.13 or newer with every locked dependency
bootstrap.py floor    .local/floor-venv: the oldest dependencies that pyproject.toml allows
bootstrap.py bench    .local/bench-venv: the dependencies of the service and of `make bench`
bootstrap.py docs     .local/docs-venv: the generator of the documentation site
bootstrap.py clients  .local/clients-venv: the generator of a Python client from the OpenAPI document, for a test
bootstrap.py node     .local/node: Node.js with npm, for machines without it
bootstrap.py lock     the lock files, from pyproject.toml; further arguments are passed to uv, for example --upgrade

An environment whose sources are unchanged is kept, which takes a few milliseconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parent.parent
SCRIPTS = PROJECT / "scripts"
LOCAL = PROJECT / ".local"
OLDEST_PYTHON = (3, 13)
REMOVED_VARIABLES = {
    "VIRTUAL_ENV",
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONWARNINGS"),
    *("PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_PREFIX", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET"),
    *("UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_WORKING_DIRECTORY"),
    *("UV_RESOLUTION", "UV_PRERELEASE", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_REQUIRE_HASHES", "UV_NO_BUILD_ISOLATION"),
}
"""Variables that change where or how tools install."""

OLDEST_UV = (0, 7)
PROBE = (
    "import os, sys; print(*sys.version_info[:2], os.path.realpath(getattr(sys, '_base_executable', sys.executable)))"
)


def main(arguments: list[str]) -> None:
    """Run one action under a lock of this checkout."""
    name, options = (arguments[0], arguments[1:]) if arguments else ("development", [])
    try:
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / "bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if name == "lock":
                write_lock_files(options)
            elif action := ACTIONS.get(name):
                action()
            else:
                fail(f"unknown: {name}")
    except PermissionError as error:
        fail(f"{error.filename} belongs to another user: change its owner, or work in another clone.")
    except KeyboardInterrupt:
        sys.exit(130)


def development() -> None:
    """Create .venv exactly as locked."""
    lock = PROJECT / "requirements-dev.lock"
    stamp = stamp_of(PROJECT / "pyproject.toml", lock)
    if not is_current(PROJECT / ".venv", stamp):
        make_environment(PROJECT / ".venv", lock, stamp, "--require-hashes")


def docs() -> None:
    """Create the environment of the site generator."""
    environment_of_a_tool("docs")


def clients() -> None:
    """Create the environment of the client generator."""
    environment_of_a_tool("clients")


def environment_of_a_tool(name: str) -> None:
    """Create a separate environment, since the tool's dependencies would restrict the project's versions."""
    folder, lock = LOCAL / f"{name}-venv", PROJECT / f"requirements-{name}.lock"
    stamp = stamp_of(lock)
    if not is_current(folder, stamp):
        make_environment(folder, lock, stamp, "--require-hashes", with_project=False)


def floor() -> None:
    """Create an environment with the oldest direct dependencies and the newest compatible tools."""
    folder, runtime, everything = LOCAL / "floor-venv", LOCAL / "floor.txt", LOCAL / "floor-dev.txt"
    stamp = stamp_of(PROJECT / "pyproject.toml")
    if not is_current(folder, stamp):
        options = ("--no-header", "--upgrade", "--all-extras", "--python-version", "3.13")
        compile_with = (find_uv(), "pip", "compile", *options)
        oldest = (*compile_with, "--resolution", "lowest-direct", "-o", runtime, "pyproject.toml")
        run("Dependencies: resolving the oldest that pyproject.toml allows", *oldest)
        run("Tools", *compile_with, "--group", "dev", "-c", runtime, "-o", everything, "pyproject.toml")
        make_environment(folder, everything, stamp)
    shown = ("fastapi=", "starlette=", "sqlalchemy=", "pydantic=")
    pins = [line for line in runtime.read_text().splitlines() if line.startswith(shown)]
    echo(f"Testing with {', '.join(pins)}; every version is in .local/floor.txt")


def bench() -> None:
    """Create the benchmarks' environment exactly as locked."""
    folder, lock = LOCAL / "bench-venv", PROJECT / "requirements-bench.lock"
    stamp = stamp_of(PROJECT / "pyproject.toml", lock)
    if not is_current(folder, stamp):
        make_environment(folder, lock, stamp, "--require-hashes")


def node() -> None:
    """Install Node.js and npm, pinned."""
    shutil.rmtree(LOCAL / "node", ignore_errors=True)
    install = (find_uv(), "pip", "install", "--python", sys.executable, "--require-hashes", "--target", LOCAL / "node")
    run("npm: not on this machine, installing Node.js into .local/node (60 MB)", *install, "-r", SCRIPTS / "node.lock")


def write_lock_files(options: list[str]) -> None:
    """Pin all dependencies with hashes, for every platform, without an index address, so that any mirror works."""
    hashed = ("--universal", "--generate-hashes", "--no-emit-index-url", "--custom-compile-command", "make lock")
    compile_with = (find_uv(), "pip", "compile", *hashed, *options)
    runtime = ("--all-extras", "--python-version", "3.13", "pyproject.toml", "-o")
    run("requirements.lock", *compile_with, *runtime, "requirements.lock")
    for group in ("dev", "bench"):
        lock = f"requirements-{group}.lock"
        run(lock, *compile_with, "--group", group, "-c", "requirements.lock", *runtime, lock)
    for group in ("docs", "clients"):
        lock = f"requirements-{group}.lock"
        run(lock, *compile_with, "--group", group, "--python-version", "3.13", "-o", lock)
    for tool, oldest in (("build", "3.13"), ("installer", "3.9"), ("node", "3.13")):
        tools = ("--no-annotate", "--python-version", oldest, SCRIPTS / f"{tool}.in", "-o", SCRIPTS / f"{tool}.lock")
        run(f"scripts/{tool}.lock", *compile_with, *tools)


def make_environment(folder: Path, lock: Path, stamp: str, *options: str, with_project: bool = True) -> None:
    """Install exactly the packages of a lock file, and the project itself as editable."""
    uv, python = find_uv(), folder / "bin" / "python"
    if not usable_python(python):
        base = find_python(uv)
        shutil.rmtree(folder, ignore_errors=True)
        run(f"Python: {base}", uv, "venv", "--no-project", "--python", base, folder)
    (folder / "made-from").unlink(missing_ok=True)
    run(f"Dependencies: installing {lock.name}", uv, "pip", "sync", "--python", python, *options, lock)
    if with_project:
        project = ("--no-deps", "--no-build-isolation", "--editable", ".")
        run("This project", uv, "pip", "install", "--python", python, *project)
    (folder / "made-from").write_text(stamp)


def find_uv() -> str:
    """Return a working uv: from PATH, otherwise installed into .local/uv with this Python's venv or pip."""
    folder = LOCAL / "uv"
    own = str(folder / "bin" / "uv")
    for candidate in (shutil.which("uv"), own):
        version = output(candidate, "--version") if candidate else None
        if candidate and version and tuple(map(int, version.split()[1].split(".")[:2])) >= OLDEST_UV:
            return candidate
    shutil.rmtree(folder, ignore_errors=True)
    locked = ("install", "--disable-pip-version-check", "--require-hashes", "-r", SCRIPTS / "installer.lock")
    if output(sys.executable, "-m", "venv", folder) is not None:
        run("uv: installing it into .local/uv", folder / "bin" / "python", "-m", "pip", *locked)
        return own
    shutil.rmtree(folder, ignore_errors=True)
    if output(sys.executable, "-m", "pip", "--version") is None:
        fail("uv is missing, and this Python has neither venv nor pip: run `apt-get install python3-venv`.")
    run("uv: installing it into .local/uv", sys.executable, "-m", "pip", *locked, "--target", folder)
    return own


def find_python(uv: str) -> str:
    """Return a Python that is new enough: from PATH, pyenv or uv, otherwise downloaded by uv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path(os.environ.get("HOME") or "/", ".pyenv"))
    names = ("python3.13", "python3.14", "python3", "python")
    candidates = [*map(shutil.which, names), *pythons_below(pyenv)]
    for candidate in candidates:
        if candidate and (found := usable_python(candidate)):
            return found
    wanted = ".".join(map(str, OLDEST_PYTHON))
    find = (uv, "python", "find", "--no-project", "--no-python-downloads", f">={wanted}")
    if found := output(*find):
        return found
    advice = (
        f"Python {wanted} or newer is missing, and uv could not download it: install it with pyenv or your system's "
        f"packages, so that `python{wanted}` is on PATH, and run again."
    )
    run(f"Python {wanted}: not on this machine, downloading it", uv, "python", "install", wanted, advice=advice)
    return output(*find) or fail(advice)


def pythons_below(pyenv: Path) -> list[Path]:
    """Return pyenv's interpreters; none if its folder is not readable."""
    try:
        return sorted(pyenv.glob("versions/3.1[3-9]*/bin/python3"))
    except OSError:
        return []


def usable_python(candidate: str | Path) -> str | None:
    """Return the interpreter of a name, a shim or a virtual environment, if it works and is new enough."""
    major, minor, path = (output(candidate, "-c", PROBE) or "0 0 -").split(" ", 2)
    return path if (int(major), int(minor)) >= OLDEST_PYTHON else None


def stamp_of(*files: Path) -> str:
    """Return a digest of an environment's sources, including the checkout's path: environments cannot be moved."""
    digest = hashlib.sha256(bytes(PROJECT))
    for file in (*files, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_current(folder: Path, stamp: str) -> bool:
    """Return whether an environment was made from these sources and its interpreter exists."""
    try:
        return (folder / "made-from").read_text() == stamp and (folder / "bin" / "python").exists()
    except OSError:
        return False


def run(doing: str, *command: str | Path, advice: str = "") -> None:
    """Run a program with a progress line; show its output only if it fails."""
    sys.stdout.write(doing)
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment(), stdout=log, stderr=log)
        while True:
            sys.stdout.flush()
            try:
                process.wait(timeout=2)
                break
            except subprocess.TimeoutExpired:
                sys.stdout.write(".")
        echo("")
        if process.returncode:
            log.seek(0)
            sys.stderr.write(log.read())
            fail(advice or f"{Path(command[0]).name} failed, see above.")


def output(*command: str | Path) -> str | None:
    """Return what a program prints, or None if it is absent or fails, as a shim without its version does."""
    try:
        done = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def environment() -> dict[str, str]:
    """Return the environment without REMOVED_VARIABLES, with writable home and caches.

    The settings of index, proxy and certificates are kept.
    """
    own = {name: value for name, value in os.environ.items() if name not in REMOVED_VARIABLES}
    own["PIP_USER"] = "0"  # overrides a configuration file
    home = own.get("HOME", "")
    if not (home and os.access(home, os.R_OK | os.X_OK)):
        own["HOME"] = home = str(LOCAL / "cache" / "home")
        Path(home).mkdir(parents=True, exist_ok=True)
    if not os.access(home, os.W_OK):
        for variable, folder in (("UV_CACHE_DIR", "uv"), ("PIP_CACHE_DIR", "pip"), ("UV_PYTHON_INSTALL_DIR", "python")):
            own.setdefault(variable, str(LOCAL / "cache" / folder))
    return own


def echo(message: str) -> None:
    """Print without buffering, also to a pipe."""
    print(message, flush=True)


def fail(message: str) -> NoReturn:
    """Exit with a message and code 1."""
    sys.exit(f"error: {message}")


ACTIONS = {"development": development, "bench": bench, "docs": docs, "clients": clients, "floor": floor, "node": node}

if __name__ == "__main__":
    main(sys.argv[1:])
