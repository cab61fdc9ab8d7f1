"""The long runs behind `docs/reports/reliability.md`."""
