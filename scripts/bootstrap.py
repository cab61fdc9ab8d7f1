"""Make this project's Python environment, with whatever Python there is (3.9 or newer) and nothing else assumed.

bootstrap.py          .venv: Python 3.13 or newer with every locked dependency
bootstrap.py floor    .local/floor-venv: the oldest dependencies that pyproject.toml allows
bootstrap.py bench    .local/bench-venv: what the service needs, and what `make bench` needs beside it
bootstrap.py docs     .local/docs-venv: what builds the site of the documents
bootstrap.py clients  .local/clients-venv: what makes a Python client of the OpenAPI document, for a test
bootstrap.py node     .local/node: Node.js with npm, for a machine that has none
bootstrap.py lock     the lock files, made from pyproject.toml; further arguments go to uv, for example --upgrade

The environments are left alone, in a few milliseconds, while what they were made from is unchanged.
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
NOT_FOR_OUR_TOOLS = {
    "VIRTUAL_ENV",
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONWARNINGS"),
    *("PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_PREFIX", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET"),
    *("UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_WORKING_DIRECTORY"),
    *("UV_RESOLUTION", "UV_PRERELEASE", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_REQUIRE_HASHES", "UV_NO_BUILD_ISOLATION"),
}
"""Variables that say where or how to install; what we run says so itself."""

OLDEST_UV = (0, 7)
PROBE = (
    "import os, sys; print(*sys.version_info[:2], os.path.realpath(getattr(sys, '_base_executable', sys.executable)))"
)


def main(arguments: list[str]) -> None:
    """Do one thing, one process of this checkout at a time."""
    name, options = (arguments[0], arguments[1:]) if arguments else ("development", [])
    try:
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / "bootstrap.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if name == "lock":
                write_lock_files(options)
            elif action := ACTIONS.get(name):
                action()
            else:
                fail(f"unknown: {name}")
    except PermissionError as error:
        fail(f"{error.filename} belongs to another user; give it back, or work in a clone of your own.")
    except KeyboardInterrupt:
        sys.exit(130)


def development() -> None:
    """Make .venv exactly as locked."""
    lock = PROJECT / "requirements-dev.lock"
    stamp = stamp_of(PROJECT / "pyproject.toml", lock)
    if not is_current(PROJECT / ".venv", stamp):
        make_environment(PROJECT / ".venv", lock, stamp, "--require-hashes")


def docs() -> None:
    """Make the environment of the one tool that builds the site."""
    environment_of_a_tool("docs")


def clients() -> None:
    """Make the environment of the one tool that makes Python clients."""
    environment_of_a_tool("clients")


def environment_of_a_tool(name: str) -> None:
    """Make an environment apart from what the service is developed with, whose versions it would hold back."""
    folder, lock = LOCAL / f"{name}-venv", PROJECT / f"requirements-{name}.lock"
    stamp = stamp_of(lock)
    if not is_current(folder, stamp):
        make_environment(folder, lock, stamp, "--require-hashes", with_project=False)


def floor() -> None:
    """Take our direct dependencies at their oldest, and the newest tools that go with these."""
    folder, runtime, everything = LOCAL / "floor-venv", LOCAL / "floor.txt", LOCAL / "floor-dev.txt"
    stamp = stamp_of(PROJECT / "pyproject.toml")
    if not is_current(folder, stamp):
        everything_of_ours = ("--no-header", "--upgrade", "--all-extras", "--python-version", "3.13")
        compile_with = (find_uv(), "pip", "compile", *everything_of_ours)
        oldest = (*compile_with, "--resolution", "lowest-direct", "-o", runtime, "pyproject.toml")
        run("Dependencies: resolving the oldest that pyproject.toml allows", *oldest)
        run("Tools", *compile_with, "--group", "dev", "-c", runtime, "-o", everything, "pyproject.toml")
        make_environment(folder, everything, stamp)
    told = ("fastapi=", "starlette=", "sqlalchemy=", "pydantic=")
    pins = [line for line in runtime.read_text().splitlines() if line.startswith(told)]
    say(f"Testing with {', '.join(pins)}; every version is in .local/floor.txt")


def bench() -> None:
    """Make the benchmarks' environment exactly as locked."""
    folder, lock = LOCAL / "bench-venv", PROJECT / "requirements-bench.lock"
    stamp = stamp_of(PROJECT / "pyproject.toml", lock)
    if not is_current(folder, stamp):
        make_environment(folder, lock, stamp, "--require-hashes")


def node() -> None:
    """Install Node.js and npm, pinned, beside nothing else."""
    shutil.rmtree(LOCAL / "node", ignore_errors=True)
    install = (find_uv(), "pip", "install", "--python", sys.executable, "--require-hashes", "--target", LOCAL / "node")
    run("npm: not on this machine, installing Node.js into .local/node (60 MB)", *install, "-r", SCRIPTS / "node.lock")


def write_lock_files(options: list[str]) -> None:
    """Pin everything with hashes, for every platform, naming no index, so that any mirror serves."""
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
    """Install exactly what a lock file names, and the project itself as it stands in src."""
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
    """Give a uv that works: the one on PATH, else our own, installed with whatever this Python brings."""
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
        fail("there is no uv, and this Python has neither venv nor pip: run `apt-get install python3-venv`.")
    run("uv: installing it into .local/uv", sys.executable, "-m", "pip", *locked, "--target", folder)
    return own


def find_python(uv: str) -> str:
    """Give a Python that is new enough: on PATH, among pyenv's, among uv's own, else one that uv downloads."""
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
        f"There is no Python {wanted} or newer here, and uv could not download one: install it with pyenv or your "
        f"system's packages, so that `python{wanted}` is on PATH, and run again."
    )
    run(f"Python {wanted}: not on this machine, downloading it", uv, "python", "install", wanted, advice=advice)
    return output(*find) or fail(advice)


def pythons_below(pyenv: Path) -> list[Path]:
    """Give pyenv's interpreters; none where its folder may not be read."""
    try:
        return sorted(pyenv.glob("versions/3.1[3-9]*/bin/python3"))
    except OSError:
        return []


def usable_python(candidate: str | Path) -> str | None:
    """Give the interpreter behind a name, a shim or a virtual environment, if it works and is new enough."""
    told = (output(candidate, "-c", PROBE) or "0 0 -").split(" ", 2)
    return told[2] if (int(told[0]), int(told[1])) >= OLDEST_PYTHON else None


def stamp_of(*files: Path) -> str:
    """Give a digest of what an environment is made from; the checkout's place counts, for none can be moved."""
    digest = hashlib.sha256(bytes(PROJECT))
    for file in (*files, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_current(folder: Path, stamp: str) -> bool:
    """Tell whether an environment was made from just this, and its interpreter is still there."""
    try:
        return (folder / "made-from").read_text() == stamp and (folder / "bin" / "python").exists()
    except OSError:
        return False


def run(doing: str, *command: str | Path, advice: str = "") -> None:
    """Run a program, with a line about it that grows while it works; show its own output only if it fails."""
    sys.stdout.write(doing)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment(), stdout=said, stderr=said)
        while True:
            sys.stdout.flush()
            try:
                process.wait(timeout=2)
                break
            except subprocess.TimeoutExpired:
                sys.stdout.write(".")
        say("")
        if process.returncode:
            said.seek(0)
            sys.stderr.write(said.read())
            fail(advice or f"{Path(command[0]).name} failed, see above.")


def output(*command: str | Path) -> str | None:
    """Give what a program prints, or None where it is absent or fails, as a shim without its version does."""
    try:
        done = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def environment() -> dict[str, str]:
    """Give our environment, made fit for tools that are told where to install, and would write to a home of their own.

    Which index they ask, through which proxy and with which certificates, stays as it is set.
    """
    own = {name: value for name, value in os.environ.items() if name not in NOT_FOR_OUR_TOOLS}
    own["PIP_USER"] = "0"  # goes before what a configuration file says
    home = own.get("HOME", "")
    if not (home and os.access(home, os.R_OK | os.X_OK)):
        own["HOME"] = home = str(LOCAL / "cache" / "home")
        Path(home).mkdir(parents=True, exist_ok=True)
    if not os.access(home, os.W_OK):
        for variable, folder in (("UV_CACHE_DIR", "uv"), ("PIP_CACHE_DIR", "pip"), ("UV_PYTHON_INSTALL_DIR", "python")):
            own.setdefault(variable, str(LOCAL / "cache" / folder))
    return own


def say(message: str) -> None:
    """Print at once, also into a pipe."""
    print(message, flush=True)


def fail(message: str) -> NoReturn:
    """End with a message and exit code 1."""
    sys.exit(f"error: {message}")


ACTIONS = {"development": development, "bench": bench, "docs": docs, "clients": clients, "floor": floor, "node": node}

if __name__ == "__main__":
    main(sys.argv[1:])
