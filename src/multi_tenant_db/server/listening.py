"""Listening sockets."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from multi_tenant_db.server.address_error import AddressError


@contextmanager
def address_errors(prefix: str, host: str, port: int) -> Iterator[None]:
    """Raise AddressError, which names the two settings, for an OSError."""
    try:
        yield
    except OSError as error:
        # The message of a failed bind would repeat the address.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise AddressError(f"cannot listen on {host}:{port} ({reason}): set {prefix}_HOST or {prefix}_PORT") from error


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address; workers share the socket. `::` includes IPv4. Raises OSError."""
    if ":" not in host:
        return socket.create_server((host, port))
    return socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=host == "::")
