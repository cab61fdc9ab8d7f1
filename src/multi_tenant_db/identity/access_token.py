"""The secret that proves who a caller is."""

import hashlib
import secrets

TOKEN_PREFIX = "mtdb_"  # noqa: S105 - a marker for secret scanners, not a secret
TOKEN_BYTES = 32


def new_access_token() -> str:
    """Return 256 random bits, URL-safe, with a prefix that secret scanners can look for."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_access_token(token: str) -> bytes:
    """Return what the database stores of a token: SHA-256 suffices for a secret that cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()
