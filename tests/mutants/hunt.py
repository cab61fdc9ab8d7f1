"""One hunt: make the mutant, let the tests run, tell a red test from a hunt that broke down."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.kill import Kill
from tests.mutants.mutant import Mutant
from tests.mutants.mutant_server import MutantServer
from tests.support.sources import ROOT

GREEN, RED = 0, 1
FAILED = re.compile(r"^FAILED tests/([^\s\[]+)", re.MULTILINE)  # the test without its case
MESSAGE = re.compile(r"^E +(.+)$", re.MULTILINE)
OPTIONS = (
    *("-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:schemathesis"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # a fork of pytest begins with its plugins imported
)
REST = ("security", "integration", "writes", "database")


def hunt(mutant: Mutant, server: MutantServer) -> Kill:
    """Hunt a mutant with its own tests, then with the rest; raises when it does not fit or the hunt breaks down."""
    with _sources_with(mutant) as sources, server.database(mutant.sql) as (database, changed):
        if mutant.sql and not changed:
            raise ValueError(f"the mutant {mutant.name!r} changes nothing: mend it")
        place = mutant.file or ", ".join(changed)
        for tests in (mutant.killers, REST):
            failure = first_failure(mutant.name, tests, server, sources, database)
            if failure:
                return Kill(mutant.name, place, *failure)
    return Kill(mutant.name, place)


def first_failure(
    name: str, tests: Sequence[str], server: MutantServer, sources: Path = ROOT / "src", database: str = ""
) -> tuple[str, str] | None:
    """Return the first test that fails, and its message; raise when a test cannot start or is not there."""
    environment = {
        "MTDB_DATABASE_URL": server.url.render_as_string(hide_password=False),
        "MUTANT_DATABASE": database,
        "MTDB_EXHAUSTIVE": "1",
    }
    arguments = [*OPTIONS, *(f"tests/{test}" for test in tests)]
    code, output = server.pytest.run(arguments, environment, sources)
    failed = FAILED.search(output)
    if code == RED and failed:
        message = MESSAGE.search(output)
        return failed[1], message[1] if message else ""
    if code != GREEN:
        raise RuntimeError(f"the hunt for {name!r} broke down:\n{output[-5000:]}")
    return None


@contextmanager
def _sources_with(mutant: Mutant) -> Iterator[Path]:
    """Give the sources with the mutant's passage replaced, which must be there exactly once."""
    if not mutant.file:
        yield ROOT / "src"
        return
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources)
        for beside in ("migrations", "scripts"):
            (Path(folder) / beside).symlink_to(ROOT / beside)
        path = sources / "multi_tenant_db" / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise ValueError(f"the mutant {mutant.name!r} does not fit {mutant.file}: mend it")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        yield sources
