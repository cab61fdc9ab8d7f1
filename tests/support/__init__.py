"""What many tests need: a database, callers, and SQL as the service's own role."""
