"""Runs the same work on several servers; one that is away does not hold up the others."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import typer

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.failure_messages import report_failure


@dataclass(frozen=True, slots=True)
class ServerResults[Result]:
    """What the work returned, by label of the server; the exit codes of the servers where it failed."""

    of_server: dict[str, Result] = field(default_factory=dict)
    failures: dict[str, ExitCode] = field(default_factory=dict)

    def require_any(self) -> None:
        """Exit if the work failed on every server."""
        if not self.of_server:
            self.end()

    def end(self) -> None:
        """Exit with the code of a failure, if there was one. A refusal counts more than a server that is away."""
        if self.failures:
            raise typer.Exit(min(self.failures.values()))


async def on_each_server[Target, Result](
    servers: Mapping[str, Target], work: Callable[[Target], Awaitable[Result]]
) -> ServerResults[Result]:
    """Run the work on all servers at once, with what is given for each, such as its settings.

    Reports each failure on stderr with its server, if there are several. A defect is raised, when the work has ended
    on all servers.
    """
    outcomes = await asyncio.gather(*map(work, servers.values()), return_exceptions=True)
    results = ServerResults[Result]()
    for label, outcome in zip(servers, outcomes, strict=True):
        if not isinstance(outcome, BaseException):
            results.of_server[label] = outcome
            continue
        code = report_failure(outcome, label, named=len(servers) > 1) if isinstance(outcome, Exception) else None
        if code is None:
            raise outcome
        results.failures[label] = code
    return results


def place(label: str, servers: Mapping[str, object]) -> str:
    """Return what a line about a server begins with: its label, if there are several."""
    return f"server {label}: " if len(servers) > 1 else ""
