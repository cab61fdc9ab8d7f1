"""The long runs behind `docs/reliability.md`."""
