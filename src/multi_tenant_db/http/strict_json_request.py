"""Strict JSON with a size limit."""

from contextlib import suppress
from typing import Any

import jiter
from fastapi import Request
from starlette.requests import ClientDisconnect

from multi_tenant_db.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType

STOP_READING = {"Connection": "close"}
"""Sent when a body was not read to its end: the server then reads no more of it."""


class StrictJsonRequest(Request):
    """Accepts only JSON that all parsers read alike: no duplicate keys, NaN, lone surrogates or deep nesting."""

    async def read_json(self, max_bytes: int) -> None:
        """Read and parse the body, before a database connection is acquired.

        Raises UnsupportedMediaType, BodyTooLarge (the rest is not read), or MalformedJson, also for a truncated body.
        """
        if self.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise UnsupportedMediaType
        media_type, _, parameters = self.headers.get("content-type", "").partition(";")
        charset = parameters.strip().lower()
        if media_type.strip().lower() != "application/json" or charset not in {"", "charset=utf-8", 'charset="utf-8"'}:
            raise UnsupportedMediaType
        self._body = await self._read_body(max_bytes)
        try:
            self._json = jiter.from_json(self._body, allow_inf_nan=False, catch_duplicate_keys=True)
        except ValueError as error:
            raise MalformedJson(f"Send one JSON object in UTF-8: {error}.") from error

    async def skip_body(self, max_bytes: int) -> None:
        """Read a body that the endpoint does not use; raises BodyTooLarge, or MalformedJson for a truncated body."""
        self._body = await self._read_body(max_bytes)

    async def json(self) -> Any:
        """Return what `read_json` parsed."""
        return self._json

    async def _read_body(self, max_bytes: int) -> bytes:
        # The server refuses an invalid Content-Length; the received bytes are counted in any case.
        with suppress(ValueError):
            if int(self.headers.get("content-length", "0")) > max_bytes:
                raise _too_large(max_bytes)
        body = bytearray()
        try:
            async for chunk in self.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
        except ClientDisconnect as error:
            raise MalformedJson("The body ended before it was complete.") from error
        return bytes(body)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"A body is at most {max_bytes} bytes.", headers=STOP_READING)
