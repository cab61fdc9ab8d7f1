"""Labels of the servers that organisations live on."""

DEFAULT_SERVER = "default"
"""The label of the server in MTDB_DATABASE_URL; its tokens carry none."""

SERVER_LABEL = r"[a-z][a-z0-9]{0,15}"
"""What a token can carry before its secret."""


def url_variable(label: str) -> str:
    """Return the name of the setting that holds a server's URL."""
    return "MTDB_DATABASE_URL" if label == DEFAULT_SERVER else f"MTDB_SERVERS__{label.upper()}"
