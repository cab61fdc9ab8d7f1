"""`mtdb migrate`."""

import asyncio
from pathlib import Path
from typing import Never

import asyncpg
import typer
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database import installation
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.settings import Settings


def migrate() -> None:
    """Create the database, the roles and the schema, or bring them up to date.

    Here MTDB_DATABASE_URL must name an administrator; the passwords of the two login roles come from MTDB_API_PASSWORD
    and MTDB_OPERATOR_PASSWORD. Run it in the project's folder.
    """
    settings = Settings()
    if not Path(installation.ALEMBIC_CONFIG).exists():
        _refuse("there is no alembic.ini here: run `mtdb migrate` in the project's folder")
    if settings.api_password is None or settings.operator_password is None:
        _refuse("set MTDB_API_PASSWORD and MTDB_OPERATOR_PASSWORD to the passwords of the two login roles")
    url = read_database_url(str(settings.database_url))
    if url.username is None:
        _refuse("MTDB_DATABASE_URL must name an administrator here: postgresql://user:password@host:port/name")
    try:
        if asyncio.run(installation.create_database(url)):
            typer.echo(f"created the database {url.database}")
        asyncio.run(
            installation.create_roles(
                url,
                api_password=settings.api_password.get_secret_value(),
                operator_password=settings.operator_password.get_secret_value(),
            )
        )
        typer.echo("the roles are in place")
        installation.migrate()
        typer.echo("the schema is current")
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        reason = str(error).partition("\n")[0]
        typer.echo(f"mtdb: the database cannot be reached ({reason}): check MTDB_DATABASE_URL", err=True)
        raise typer.Exit(ExitCode.NO_DATABASE) from error
    except asyncpg.PostgresError as error:
        reason = str(error).partition("\n")[0]
        _refuse(f"the database refused ({reason}): is the user in MTDB_DATABASE_URL an administrator?")
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        _refuse(f"the database refused a migration ({reason}); nothing of it was kept, those before it stand")
    except CommandError as error:
        _refuse(f"the schema cannot be brought up to date ({error}): was it made by a newer version?")


def _refuse(message: str) -> Never:
    typer.echo(f"mtdb: {message}", err=True)
    raise typer.Exit(ExitCode.USAGE)
