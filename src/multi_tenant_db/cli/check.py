"""`mtdb check`."""

import asyncio
from typing import Annotated

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server, place
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
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """Run the start-up checks of `mtdb serve`: row level security, grants, functions, roles, schema, server.

    Each finding has a stable code, a place, a reason and a remedy.
    """
    if rules:
        _list_rules(as_json)
        return
    servers = chosen_servers(server)
    results = asyncio.run(on_each_server(servers, _check))
    results.require_any()
    reports = results.of_server
    is_unsafe = any(report.dangers for report in reports.values())
    if as_json and len(servers) > 1:
        described = {label: _describe(reports[label]) if label in reports else None for label in servers}
        print_json({"safe": not is_unsafe and not results.failures, "servers": described})
    elif as_json:
        print_json(*map(_describe, reports.values()))
    else:
        for label, report in reports.items():
            _print_findings(report, place(label, servers))
    if is_unsafe:
        raise typer.Exit(ExitCode.FAILED)
    results.end()


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


def _print_findings(report: SafetyReport, where: str) -> None:
    for warning in report.warnings:
        typer.echo(f"{where}warning: {warning.explained()}")
    for danger in report.dangers:
        typer.echo(f"{where}danger: {danger.explained()}", err=True)
    if not report.dangers:
        is_newer = any(warning.code == SCHEMA_NEWER.code for warning in report.warnings)
        schema = "newer and compatible" if is_newer else "current"
        typer.echo(f"{where}safe: PostgreSQL {report.server_version}, row level security forced, schema {schema}")


async def _check(settings: Settings) -> SafetyReport:
    engine = create_engine(service_url(settings), settings)
    try:
        return await check_database(engine, allow_untested=settings.allow_untested_postgres)
    finally:
        await engine.dispose()
