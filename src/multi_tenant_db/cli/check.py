"""`mtdb check`."""

import asyncio
from typing import Annotated

import typer

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.lint.rules import FIRST_RULE, RULES
from multi_tenant_db.database.safety_check import check_database
from multi_tenant_db.database.safety_report import SafetyReport
from multi_tenant_db.settings import Settings


def check(
    rules: Annotated[bool, typer.Option("--rules", help="List the rules, and look at no database.")] = False,
) -> None:
    """Verify what `mtdb serve` verifies before it starts: row level security, grants, functions, roles, schema, server.

    Each finding has a stable code, its place, why it matters, and its remedy.
    """
    if rules:
        for rule in (FIRST_RULE, *RULES):
            typer.echo(f"{rule.code}: {rule.meaning}")
        return
    report = asyncio.run(_check())
    for warning in report.warnings:
        typer.echo(f"warning: {warning.explained()}")
    for danger in report.dangers:
        typer.echo(f"danger: {danger.explained()}", err=True)
    if report.dangers:
        raise typer.Exit(ExitCode.FAILED)
    typer.echo(f"safe: PostgreSQL {report.server_version}, row level security forced, schema current")


async def _check() -> SafetyReport:
    settings = Settings()
    engine = create_engine(service_url(settings), settings)
    try:
        return await check_database(engine)
    finally:
        await engine.dispose()
