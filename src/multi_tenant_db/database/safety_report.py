"""What the safety check found."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class SafetyReport:
    """Each danger keeps the service from starting; each warning does not."""

    server_version: str | None = None
    dangers: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
