"""A tenant-scoped table of one's own, from the migration to the endpoint."""
