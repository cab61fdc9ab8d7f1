"""SCRAM verifiers, computed by the client, so that no statement and no server log contains a password."""

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

ITERATIONS = 4096
SALT_BYTES = 16
"""PostgreSQL's defaults (manual, `scram_iterations`; section 53.5, and RFC 5803 for the format)."""

PROHIBITED = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def scram_verifier(password: str) -> str:
    """Return `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` with a fresh random salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), salt, ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(value).decode() for value in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _prepared(password: str) -> bytes:
    """Return the password after SASLprep (RFC 4013), or unchanged if SASLprep rejects it, as PostgreSQL does."""
    mapped = (" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    normal = unicodedata.normalize("NFKC", "".join(mapped))
    right_to_left = [stringprep.in_table_d1(c) for c in normal]
    is_mixed = any(right_to_left) and (
        any(stringprep.in_table_d2(c) for c in normal) or not (right_to_left[0] and right_to_left[-1])
    )
    is_allowed = normal and not is_mixed and not any(forbidden(c) for c in normal for forbidden in PROHIBITED)
    return (normal if is_allowed else password).encode()
