"""Where a request's statements go."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.read_routing import Answer, ReadAt, ReadRouting
from multi_tenant_db.database.write_times import WriteTimes
from multi_tenant_db.identity.caller import Caller


class Destination:
    """The server of one request; `engine` is where its transaction begins.

    `reads` is there if the server has standbys for reads. Only a request that writes nothing may use them: what a
    write is decided by must be current.
    """

    write_times: WriteTimes | None = None
    """Where writes are noted, if any server of the service has standbys: an organisation may have moved from there."""

    def __init__(self, engine: AsyncEngine, reads: ReadRouting | None = None, *, writes_nothing: bool = False) -> None:
        self.engine = engine
        self.reads = reads
        self.writes_nothing = writes_nothing

    async def read_from_standby(self, token: str, read_at: ReadAt) -> Answer:
        """Read from a standby that is fit for the caller; return None if there is none or it fails."""
        if self.reads is None or not self.writes_nothing:
            return None
        return await self.reads.read_from_standby(token, read_at)

    def note_read(self, token: str, answer: Answer) -> None:
        """Note a read from the server itself, and whom it has verified."""
        if self.reads is not None:
            self.reads.reads_on_primary += 1
            if answer is not None:
                self.reads.note_caller(token, answer[0])

    def note_transaction(self, token: str, caller: Caller | None, may_have_written: bool) -> None:
        """Note a transaction after its commit, or after an attempt whose result is unknown."""
        if caller is None:
            return
        if self.reads is not None:
            self.reads.note_caller(token, caller)
        if may_have_written and self.write_times is not None:
            self.write_times.note_write(caller.organization_id)

    def follow(self, failure: DBAPIError) -> None:
        """Choose another server after a failure to sign in, or raise the failure: here there is no other."""
        raise failure
