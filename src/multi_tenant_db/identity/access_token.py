"""Access tokens: the secrets that identify callers."""

import hashlib
import re
import secrets

from multi_tenant_db.server_label import DEFAULT_SERVER, SERVER_LABEL

TOKEN_PREFIX = "mtdb_"  # noqa: S105 - a marker for secret scanners, not a secret
TOKEN_BYTES = 32

LABELLED_TOKEN = re.compile(rf"{TOKEN_PREFIX}({SERVER_LABEL})\..*")


def new_access_token(server: str = DEFAULT_SERVER) -> str:
    """Return 256 random bits, URL-safe, after a prefix for secret scanners and the label of a server."""
    label = "" if server == DEFAULT_SERVER else f"{server}."
    return TOKEN_PREFIX + label + secrets.token_urlsafe(TOKEN_BYTES)


def server_of(token: str) -> str:
    """Return the label of the server to ask first. It is not secret and grants nothing: the hash covers it."""
    labelled = LABELLED_TOKEN.fullmatch(token)
    return labelled[1] if labelled else DEFAULT_SERVER


def hash_access_token(token: str) -> bytes:
    """Return the hash that the database stores: SHA-256 suffices for a secret of 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
