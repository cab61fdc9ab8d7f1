"""`mtdb tenant erase`."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from multi_tenant_db.cli.administrators import refuse, run_as_administrator
from multi_tenant_db.cli.as_json import print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.tenant_scope import found_scope
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.records.certificate import Certificate
from multi_tenant_db.records.certification import Certification, erase_and_certify
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.settings import Settings

PRIVATE_FILE = 0o600
LOST = "it may have been erased; run the command again, with the id"


def erase_tenant(
    tenant: Annotated[str, typer.Argument(help="Name or id; of a parent, the whole organisation is erased.")],
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to create with the certificate, as JSON.")
    ] = None,
    server: ServerLabel = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate.")] = False,
) -> None:
    """Erase an organisation or a subsidiary: rows, tokens, idempotency keys, and the content of its audit trail.

    The URL of its server must name a superuser. Everything is read again, and the certificate says what was found.
    The id of a tenant that was deleted erases what its audit trail says.
    """
    if certificate is not None and (certificate.exists() or not certificate.parent.is_dir()):
        refuse(f"{certificate} exists, or its folder does not: name another file")
    work = _erase(chosen_servers(server), tenant, yes=yes)
    done = run_as_administrator(work, "nothing was erased", if_lost=LOST)
    text = json.dumps(done.certificate.model_dump(mode="json"), indent=2)
    if certificate is not None:
        _write(certificate, f"{text}\n")
    if as_json:
        print_json(done.certificate.model_dump(mode="json"))
    else:
        _summarise(done.certificate)
    _tell_what_is_left(done)


async def _erase(servers: Mapping[str, Settings], tenant: str, *, yes: bool) -> Certification:
    async with found_scope(servers, tenant, also_deleted=True) as found:
        if not yes:
            _confirm(found.scope, found.server)
        return await erase_and_certify(found.connection, found.scope, found.server)


def _confirm(scope: Scope, server: str) -> None:
    expected = scope.name or str(scope.tenant_id)
    also = " with all its subsidiaries" if scope.is_organization else ""
    typer.echo(printable(f"This erases the {scope.description}{also} on {server}. It cannot be undone."), err=True)
    if not sys.stdin.isatty():
        refuse("nothing was erased; use --yes to erase without a terminal")
    if typer.prompt("Type its name (its id, if it was deleted)", err=True) != expected:
        refuse("nothing was erased: the name is not the same")


def _write(path: Path, text: str) -> None:
    """Write it whole, or say on stderr what it is: the erasure has happened."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        typer.echo(text, err=True)
        refuse(f"erased, but the certificate above cannot be written to {path} ({error.strerror})", ExitCode.FAILED)


def _summarise(certificate: Certificate) -> None:
    for table, rows in certificate.deleted_rows.items():
        if rows:
            typer.echo(printable(f"{table}: {rows:,} deleted"))
    typer.echo(f"events whose content was replaced: {certificate.events_replaced:,}")
    if certificate.verification is not None:
        seen = certificate.verification
        typer.echo(f"tenants: {certificate.tenants:,}; the trail is in `mtdb audit {certificate.tenant_id}`")
        typer.echo(f"read again: {seen.rows_read:,} rows of {len(seen.columns):,} tables")


def _tell_what_is_left(done: Certification) -> None:
    """Exit with a failure unless everything is erased, and that was seen."""
    seen = done.certificate.verification
    if seen is None:
        refuse(f"erased, but not verified ({done.failure}): run the command again with the id", ExitCode.FAILED)
    for finding in seen.mentions:
        typer.echo(
            printable(f"{finding.table} ({finding.column}): {finding.rows:,} rows of others have one of its names"),
            err=True,
        )
    if seen.not_read:
        typer.echo(printable(f"not read: {', '.join(seen.not_read)}"), err=True)
    if seen.remaining:
        places = ", ".join(f"{one.table} ({one.column}): {one.rows:,}" for one in seen.remaining)
        refuse(f"not everything is erased, rows remain in {places}: remove them and run it again", ExitCode.FAILED)
