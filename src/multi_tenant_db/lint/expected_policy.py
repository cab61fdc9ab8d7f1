"""A policy as created by a migration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExpectedPolicy:
    """A permissive policy; its conditions are written as PostgreSQL prints them."""

    table_name: str
    verb: str
    role_name: str
    policy_name: str
    condition: str | None = None
    check_condition: str | None = None

    @property
    def statement(self) -> str:
        """Return the SQL that creates it."""
        using = f" USING ({self.condition})" if self.condition else ""
        check = f" WITH CHECK ({self.check_condition})" if self.check_condition else ""
        return (
            f"CREATE POLICY {self.policy_name} ON {self.table_name} FOR {self.verb} TO {self.role_name}{using}{check}"
        )
