"""Verification of logins at the bank's identity provider."""

from collections.abc import Mapping
from typing import Any

import jwt

LONGEST_CLOCK_SKEW_SECONDS = 30


class LoginVerifier:
    """Verifies ID tokens (OpenID Connect Core, section 3.1.3.7) with the provider's public keys."""

    def __init__(self, jwks: Mapping[str, Any], *, issuer: str, audience: str) -> None:
        self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys}
        self._issuer = issuer
        self._audience = audience

    def verify(self, id_token: str) -> dict[str, Any]:
        """Return the claims; raises jwt.InvalidTokenError for an invalid key, algorithm, issuer, audience or time."""
        key = self._keys.get(jwt.get_unverified_header(id_token).get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("not signed with a key of the provider")
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key,
            algorithms=["RS256"],  # fixed here, never taken from the token
            issuer=self._issuer,
            audience=self._audience,
            leeway=LONGEST_CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "iat", "sub", "iss", "aud"]},
        )
        return claims
