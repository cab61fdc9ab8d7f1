"""The schema revision that this version requires, and the query for compatible newer revisions."""

from sqlalchemy import text

REQUIRED_SCHEMA_REVISION = "protect_existing_tables"
"""The newest migration. A test compares it with the folder of migrations."""

FOUND_REVISION = text("SELECT version_num FROM public.alembic_version")

IS_DECLARED_COMPATIBLE = text("""
    SELECT EXISTS (
        SELECT
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = :found
          AND declared.service_revision = :required
    )
""")
"""For another revision than the required one. An older schema never declares a newer service compatible."""
