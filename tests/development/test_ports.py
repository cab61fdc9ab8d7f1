"""Ports of this machine."""

import socket

from multi_tenant_db.development.ports import answers, free_port, is_taken


def test_a_free_port_is_not_taken() -> None:
    """What is offered as free can be had."""
    port = free_port()
    assert not is_taken(port)
    assert not answers(port)


def test_a_listener_takes_its_port() -> None:
    """Somebody who listens is noticed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert is_taken(listener.getsockname()[1])
        assert answers(listener.getsockname()[1])


def test_a_port_that_is_bound_but_silent_is_taken_too() -> None:
    """So is somebody who has the port and answers nobody yet."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        assert is_taken(holder.getsockname()[1])
        assert not answers(holder.getsockname()[1])
