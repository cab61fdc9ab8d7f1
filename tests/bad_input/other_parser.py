"""A second, independent reading of the same bytes: h11's, which shares no code with the service's parser."""

from dataclasses import dataclass, field

import h11

BOTH_DONE = {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}


@dataclass
class Reading:
    """The requests that were complete, each with its body, and whether the rest was refused."""

    bodies: list[bytes] = field(default_factory=list)
    is_refused: bool = False


def read(data: bytes) -> Reading:
    """Return what h11 takes the bytes for, when every offer to change the protocol is declined."""
    connection = h11.Connection(h11.SERVER)
    reading = Reading()
    body = b""
    try:
        connection.receive_data(data)
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                reading.bodies.append(body)
                body = b""
            elif event is h11.PAUSED and connection.our_state is h11.SEND_RESPONSE:
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
            elif event is h11.PAUSED and connection.states == BOTH_DONE:
                connection.start_next_cycle()
            elif event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return reading
    except h11.RemoteProtocolError:
        reading.is_refused = True
        return reading
