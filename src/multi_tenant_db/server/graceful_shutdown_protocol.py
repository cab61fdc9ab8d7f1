"""How a connection ends: never with a request on its way, and never later than it should."""

from asyncio import TimerHandle

from multi_tenant_db.server.header_limits_protocol import HeaderLimitsProtocol

SECONDS_FOR_THE_LAST_REQUEST = 1.0


class GracefulShutdownProtocol(HeaderLimitsProtocol):
    """Adds what uvicorn leaves to luck when the service stops, and to the client when an answer is not fetched.

    A worker that stops would close idle connections at once, with the request that a client may just have sent:
    each gets a moment for one more, which is answered with `Connection: close`. An answer that is not fetched within
    the time of a request would stay in memory as long as the client likes: its connection is cut off.
    """

    _is_leaving = False
    _patience_with_reader: TimerHandle | None = None

    def shutdown(self) -> None:
        """Take one more request, if one comes soon."""
        self._is_leaving = True
        if self._is_answering():
            super().shutdown()
        else:
            self.loop.call_later(SECONDS_FOR_THE_LAST_REQUEST, self._leave)

    def on_headers_complete(self) -> None:
        """Say so, if it is the last."""
        super().on_headers_complete()
        if self._is_leaving and not self._in_head:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        """Give the client time to read."""
        super().pause_writing()
        self._expect_reader()

    def resume_writing(self) -> None:
        """Note that it reads."""
        super().resume_writing()
        self._stop_expecting_reader()

    def on_response_complete(self) -> None:
        """Note that the connection closes as soon as the answer is fetched, if it does."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, the last answer fetched or not."""
        super().timeout_keep_alive_handler()
        self._expect_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._stop_expecting_reader()

    def _leave(self) -> None:
        in_the_middle_of_a_head = self._in_head and self._unread_bytes
        if not self._is_answering() and not in_the_middle_of_a_head:
            self.transport.close()

    def _expect_reader(self) -> None:
        if self._patience_with_reader is None:
            seconds = self._settings.request_timeout_seconds
            self._patience_with_reader = self.loop.call_later(seconds, self.transport.abort)

    def _stop_expecting_reader(self) -> None:
        if self._patience_with_reader is not None:
            self._patience_with_reader.cancel()
            self._patience_with_reader = None
