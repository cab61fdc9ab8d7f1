"""Graceful end of connections."""

from asyncio import TimerHandle

from multi_tenant_db.server.header_limits_protocol import HeaderLimitsProtocol

LAST_REQUEST_SECONDS = 1.0


class GracefulShutdownProtocol(HeaderLimitsProtocol):
    """Closes connections without losing requests, and aborts those whose client does not read its response.

    uvicorn closes idle connections at once when a worker stops, and a request that the client has just sent is lost.
    This protocol accepts one more request within a second; its response has `Connection: close`. A response that the
    client has not read within the request timeout is dropped with its connection.
    """

    _is_shutting_down = False
    _reader_timer: TimerHandle | None = None

    def shutdown(self) -> None:
        """Accept one more request within LAST_REQUEST_SECONDS."""
        self._is_shutting_down = True
        if self._is_answering():
            super().shutdown()
        else:
            self.loop.call_later(LAST_REQUEST_SECONDS, self._close_if_idle)

    def on_headers_complete(self) -> None:
        """Announce the end of the connection with the last response."""
        super().on_headers_complete()
        if self._is_shutting_down and not self._in_head:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        """Start the timer for the client to read."""
        super().pause_writing()
        self._start_reader_timer()

    def resume_writing(self) -> None:
        """Stop the timer: the client reads."""
        super().resume_writing()
        self._stop_reader_timer()

    def on_response_complete(self) -> None:
        """Start the timer if the connection closes after this response."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_reader_timer()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also if its last response has not been read."""
        super().timeout_keep_alive_handler()
        self._start_reader_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        super().connection_lost(exc)
        self._stop_reader_timer()

    def _close_if_idle(self) -> None:
        is_reading_head = self._in_head and self._unread_bytes
        if not self._is_answering() and not is_reading_head:
            self.transport.close()

    def _start_reader_timer(self) -> None:
        if self._reader_timer is None:
            seconds = self._settings.request_timeout_seconds
            self._reader_timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_reader_timer(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None
