"""A nightly job for each organisation, on a queue in PostgreSQL (procrastinate)."""
