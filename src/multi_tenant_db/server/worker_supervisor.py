"""The parent of several worker processes."""

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess


class WorkerSupervisor(Multiprocess):
    """uvicorn's, which while its workers finish keeps their socket open: connections would queue there for nobody."""

    def terminate_all(self) -> None:
        """Refuse new connections, then let the workers finish."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    @property
    def gave_up(self) -> bool:
        """Whether it stopped because a worker could not start."""
        return any(worker.exitcode == STARTUP_FAILURE for worker in self.processes)
