"""One thing that is wrong with a database."""

from dataclasses import dataclass

from multi_tenant_db.observability.printable import printable


@dataclass(frozen=True, slots=True)
class Finding:
    """Which rule is broken, where, why that matters, and what mends it."""

    code: str
    place: str
    meaning: str
    remedy: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.place}: {self.meaning} Remedy: {self.remedy}"

    def explained(self) -> str:
        """Return the finding on three lines, for people; names in the database may hold what does not print."""
        return "\n  ".join(map(printable, (f"{self.code}: {self.place}", self.meaning, f"Remedy: {self.remedy}")))
