"""A violation of a rule."""

from dataclasses import dataclass

from multi_tenant_db.observability.printable import printable


@dataclass(frozen=True, slots=True)
class Finding:
    """The violated rule, the place, the reason and the remedy."""

    code: str
    place: str
    meaning: str
    remedy: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.place}: {self.meaning} Remedy: {self.remedy}"

    def explained(self) -> str:
        """Return the finding on three lines; unprintable characters in the database's names are escaped."""
        return "\n  ".join(map(printable, (f"{self.code}: {self.place}", self.meaning, f"Remedy: {self.remedy}")))
