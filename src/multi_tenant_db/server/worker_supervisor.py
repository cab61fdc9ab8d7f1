"""The parent of the worker processes."""

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess


class WorkerSupervisor(Multiprocess):
    """uvicorn's supervisor, which keeps the socket open while its workers finish: connections would queue unserved."""

    def terminate_all(self) -> None:
        """Close the socket, then stop the workers gracefully."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    @property
    def gave_up(self) -> bool:
        """Return whether it stopped because a worker could not start."""
        return any(worker.exitcode == STARTUP_FAILURE for worker in self.processes)
