"""The schema this version of the service was made for, and how a newer one says that it serves this version too."""

from sqlalchemy import text

REQUIRED_SCHEMA_REVISION = "policies_first"
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
"""Asked where the revision is another than ours. An older schema names nobody that is newer."""
