"""`mtdb token`."""

import typer

from multi_tenant_db.cli.token_issue import issue
from multi_tenant_db.cli.token_list import list_tokens
from multi_tenant_db.cli.token_purge import purge
from multi_tenant_db.cli.token_revoke import revoke
from multi_tenant_db.cli.token_rotate import rotate

app = typer.Typer(
    help="Issue, rotate, list, revoke and purge access tokens.", no_args_is_help=True, add_completion=False
)
app.command()(issue)
app.command()(rotate)
app.command("list")(list_tokens)
app.command()(revoke)
app.command()(purge)
