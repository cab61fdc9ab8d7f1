"""`mtdb check`."""

import asyncio
from typing import Annotated

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.lint.finding import Finding
from multi_tenant_db.lint.rule import Rule
from multi_tenant_db.lint.rules import FIRST_RULE, RULES
from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.lint.safety_report import SafetyReport
from multi_tenant_db.lint.server import SCHEMA_NEWER
from multi_tenant_db.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def check(
    rules: Annotated[bool, typer.Option("--rules", help="List the rules without connecting to a database.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the start-up checks of `mtdb serve`: row level security, grants, functions, roles, schema, server.

    Each finding has a stable code, a place, a reason and a remedy.
    """
    if rules:
        _list_rules(as_json)
        return
    report = asyncio.run(_check())
    if as_json:
        print_json(_describe(report))
    else:
        _print_findings(report)
    if report.dangers:
        raise typer.Exit(ExitCode.FAILED)


def _list_rules(as_json: bool) -> None:
    rules = (FIRST_RULE, *RULES)
    if as_json:
        print_json([{"code": rule.code, "severity": _severity(rule), "meaning": rule.meaning} for rule in rules])
        return
    for rule in rules:
        typer.echo(f"{rule.code}: {rule.meaning}")


def _describe(report: SafetyReport) -> dict[str, object]:
    return {
        "safe": not report.dangers,
        "server_version": report.server_version,
        "findings": [
            {
                "code": finding.code,
                "severity": _severity(finding),
                "place": finding.place,
                "meaning": finding.meaning,
                "remedy": finding.remedy,
            }
            for finding in report.findings
        ],
    }


def _severity(item: Finding | Rule) -> str:
    return "warning" if item.is_warning else "danger"


def _print_findings(report: SafetyReport) -> None:
    for warning in report.warnings:
        typer.echo(f"warning: {warning.explained()}")
    for danger in report.dangers:
        typer.echo(f"danger: {danger.explained()}", err=True)
    if not report.dangers:
        is_newer = any(warning.code == SCHEMA_NEWER.code for warning in report.warnings)
        schema = "newer and compatible" if is_newer else "current"
        typer.echo(f"safe: PostgreSQL {report.server_version}, row level security forced, schema {schema}")


async def _check() -> SafetyReport:
    settings = Settings()
    engine = create_engine(service_url(settings), settings)
    try:
        return await check_database(engine, allow_untested=settings.allow_untested_postgres)
    finally:
        await engine.dispose()
