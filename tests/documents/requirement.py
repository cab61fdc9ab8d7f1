"""One thing that was asked of the project."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Requirement:
    """A requirement, and what shows that it is met."""

    id: str
    sentence: str
    shown_by: tuple[str, ...] = ()
    """Tests as `folder/file::test` below tests, files of the project, or `make` targets."""
    remark: str = ""
    """What is not there yet, or where the figures are; a requirement with nothing to show needs one."""

    measured: bool = False
    """Shown by figures, which belong to a machine."""

    @property
    def state(self) -> str:
        """Met, once something shows it and nothing is missing."""
        if not self.shown_by:
            return "open"
        if self.measured:
            return "measured"
        return "partly" if self.remark else "met"
