"""Hunt every mutant: `make mutants`. Prints a table, and fails when one survives or a hunt breaks down.

First the tests that are to kill them run without any mutant: they must be green, or a red one proves nothing. Then each
mutant is made, must have changed something, and is killed by a test that fails; a test that breaks down in its set-up
counts as a broken hunt. A whole hunt on the default release writes its table into docs/reports/security-audit.md.
"""

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from queue import SimpleQueue
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from multi_tenant_db.development.postgres_releases import DEFAULT_RELEASE, chosen_release
from tests.mutants.code_mutants import CODE_MUTANTS
from tests.mutants.function_mutants import FUNCTION_MUTANTS
from tests.mutants.hunt import first_failure, hunt
from tests.mutants.kill import Kill
from tests.mutants.moving_mutants import MOVING_MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.mutant_server import MutantServer
from tests.mutants.policy_mutants import POLICY_MUTANTS
from tests.mutants.protecting_mutants import PROTECTING_MUTANTS
from tests.mutants.quota_mutants import QUOTA_MUTANTS
from tests.mutants.records_mutants import RECORDS_MUTANTS
from tests.mutants.schema_mutants import SCHEMA_MUTANTS
from tests.mutants.session_mutants import SESSION_MUTANTS
from tests.mutants.token_mutants import TOKEN_MUTANTS
from tests.mutants.tool_mutants import TOOL_MUTANTS
from tests.support.marked_section import write_section
from tests.support.sources import ROOT

MUTANTS = (
    *(*POLICY_MUTANTS, *FUNCTION_MUTANTS, *SCHEMA_MUTANTS, *QUOTA_MUTANTS, *TOKEN_MUTANTS),
    *(*CODE_MUTANTS, *SESSION_MUTANTS, *MOVING_MUTANTS, *PROTECTING_MUTANTS, *RECORDS_MUTANTS, *TOOL_MUTANTS),
)
AT_ONCE = min(os.cpu_count() or 1, 4)
AUDIT = ROOT / "docs" / "reports" / "security-audit.md"
HEAD = ("| Defect | Where | Noticed by |", "|---|---|---|")

console = Console(stderr=True, width=200, highlight=False)


def main(pattern: str = "") -> None:
    """Hunt all mutants, or those whose name or file matches the pattern, and print the table."""
    mutants = [mutant for mutant in MUTANTS if re.search(pattern, f"{mutant.name} {mutant.file}")]
    began = monotonic()
    with ExitStack() as stack:
        servers = [stack.enter_context(MutantServer.open()) for _ in range(AT_ONCE)]
        control(mutants, servers)
        kills = hunt_all(mutants, servers)
    survivors = [kill.mutant for kill in kills if kill.killer is None]
    summary = f"{len(kills) - len(survivors)} of {len(mutants)} deliberate defects are noticed"
    table = Table("defect", "where", "noticed by", title=f"{summary}, in {monotonic() - began:.0f} s")
    for kill in kills:
        table.add_row(kill.mutant, kill.place, kill.killer or "[bold red]NO TEST[/]")
    Console(width=200).print(table)
    if survivors or len(kills) < len(mutants):
        sys.exit(f"error: survivors: {survivors or 'none'}; broken hunts: {len(mutants) - len(kills)}")
    if not pattern and chosen_release() == DEFAULT_RELEASE:
        rows = [f"| {kill.mutant} | {kill.place} | `tests/{kill.killer}` |" for kill in kills]
        write_section(AUDIT, "mutants", "\n".join([f"{summary}.", "", *HEAD, *rows]))


def control(mutants: list[Mutant], servers: list[MutantServer]) -> None:
    """Run the tests that are to kill, without any mutant."""
    tests = sorted({killer for mutant in mutants for killer in mutant.killers})
    console.print(f"running {len(tests)} tests without any mutant, which must be green")
    shares = [tests[first :: len(servers)] for first in range(len(servers))]
    with ThreadPoolExecutor(len(servers)) as pool:
        reds = pool.map(lambda share, server: share and first_failure("control", share, server), shares, servers)
    red = [failure for failure in reds if failure]
    if red:
        sys.exit(f"error: red without any mutant: {red}")
    console.print(f"{len(tests)} tests are green without any mutant")


def hunt_all(mutants: list[Mutant], servers: list[MutantServer]) -> list[Kill]:
    """Hunt on all servers at once and print each result; a broken hunt is printed and left out."""
    free: SimpleQueue[MutantServer] = SimpleQueue()
    for server in servers:
        free.put(server)

    def hunt_one(mutant: Mutant) -> Kill:
        server = free.get()
        try:
            return hunt(mutant, server)
        finally:
            free.put(server)

    kills: dict[Mutant, Kill] = {}
    with ThreadPoolExecutor(len(servers)) as pool:
        hunts = {pool.submit(hunt_one, mutant): mutant for mutant in mutants}
        for number, done in enumerate(as_completed(hunts), 1):
            mutant, error = hunts[done], done.exception()
            if error:
                console.print(f"{number}/{len(mutants)} [bold red]BROKEN[/] {mutant.name}: {escape(str(error))}")
                continue
            kill = kills[mutant] = done.result()
            console.print(f"{number}/{len(mutants)} {mutant.name}: {kill.killer or '[bold red]SURVIVED[/]'}")
            console.print(f"    {escape(kill.message[:150])}", style="dim")
    return [kills[mutant] for mutant in mutants if mutant in kills]


if __name__ == "__main__":
    main(*sys.argv[1:])
