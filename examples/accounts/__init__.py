"""An additional tenant table, from the migration to the endpoint."""
