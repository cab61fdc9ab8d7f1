"""Access tokens: the secrets that identify callers."""

import hashlib
import secrets

TOKEN_PREFIX = "mtdb_"  # noqa: S105 - a marker for secret scanners, not a secret
TOKEN_BYTES = 32


def new_access_token() -> str:
    """Return 256 random bits, URL-safe, with a prefix for secret scanners."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_access_token(token: str) -> bytes:
    """Return the hash that the database stores: SHA-256 suffices for a secret of 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
