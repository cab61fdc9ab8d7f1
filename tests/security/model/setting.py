"""A variable of a session, as PostgreSQL keeps it."""

from typing import NamedTuple


class Setting[T](NamedTuple):
    """What holds now, and what a commit will leave of it: SET is kept, SET LOCAL ends with its transaction.

    A rollback restores the pair as it was, so the old pair is the old state.
    """

    now: T
    after_commit: T

    def set(self, value: T, *, local: bool) -> "Setting[T]":
        """Return the setting after SET or, inside a transaction, SET LOCAL."""
        return Setting(value, self.after_commit if local else value)

    def committed(self) -> "Setting[T]":
        """Return the setting after COMMIT."""
        return Setting(self.after_commit, self.after_commit)
