"""Prints a new token, which is not stored."""

import typer

from multi_tenant_db.cli.as_json import print_json
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.observability.printable import printable


def print_token(token: str, issued: IssuedToken, *, quiet: bool, as_json: bool) -> None:
    """Print the token on stdout, and what it is on stderr; or one object for scripts."""
    if as_json:
        names = ("token_id", "label", "expires_at", "may_write", "operator_label")
        print_json({"token": token} | {name: getattr(issued, name) for name in names})
        return
    typer.echo(token)
    if not quiet:
        properties = [
            issued.label,
            *([] if issued.may_write else ["read-only"]),
            *([f"for {issued.operator_label}"] if issued.operator_label else []),
        ]
        described = printable(", ".join(properties))
        typer.echo(f"token {issued.token_id} ({described}) expires at {issued.expires_at.isoformat()}", err=True)
