"""The schema this version of the service was made for."""

REQUIRED_SCHEMA_REVISION = "remember_answers"
"""The newest migration. A test compares it with the folder of migrations."""
