"""What the safety check found."""

from dataclasses import dataclass

from multi_tenant_db.lint.finding import Finding


@dataclass(frozen=True, slots=True)
class SafetyReport:
    """Each danger keeps the service from starting; each warning does not."""

    server_version: str
    findings: list[Finding]

    @property
    def dangers(self) -> list[Finding]:
        """What would not keep tenants apart."""
        return [finding for finding in self.findings if not finding.is_warning]

    @property
    def warnings(self) -> list[Finding]:
        """What an administrator should mend soon."""
        return [finding for finding in self.findings if finding.is_warning]
