"""The option --server, and the settings of the servers that it selects."""

from typing import Annotated

import typer

from multi_tenant_db.server_label import url_variable
from multi_tenant_db.settings import Settings

ServerLabel = Annotated[
    str | None, typer.Option("--server", metavar="LABEL", help="Only this server, of several; by default all.")
]


def chosen_servers(label: str | None) -> dict[str, Settings]:
    """Return by label the settings of the server with this label, or of all servers, that of MTDB_DATABASE_URL first.

    Raises typer.BadParameter for an unknown label, and pydantic's ValidationError.
    """
    settings = Settings()
    labels = settings.server_labels
    if label is not None and label not in labels:
        variable = url_variable(label) if label.isidentifier() else "MTDB_SERVERS__..."
        raise typer.BadParameter(f"there is no server {label!r}: use {' or '.join(labels)}, or set {variable}")
    return {name: settings.of_server(name) for name in ([label] if label else labels)}
