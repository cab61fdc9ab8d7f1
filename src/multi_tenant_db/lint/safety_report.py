"""The result of the safety check."""

from dataclasses import dataclass

from multi_tenant_db.lint.finding import Finding


@dataclass(frozen=True, slots=True)
class SafetyReport:
    """Findings: a danger prevents the service from starting, a warning does not."""

    server_version: str
    findings: list[Finding]

    @property
    def dangers(self) -> list[Finding]:
        """Findings that prevent the service from starting."""
        return [finding for finding in self.findings if not finding.is_warning]

    @property
    def warnings(self) -> list[Finding]:
        """Findings that an administrator should correct soon."""
        return [finding for finding in self.findings if finding.is_warning]
