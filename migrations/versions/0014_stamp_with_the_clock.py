"""Stamp updates with the time of the update, not of the transaction's beginning, and never backwards.

A writer that waited for a lock had begun before the change it waited for: with `now()` it raised the version and moved
`updated_at` back, so that a reader who polls by time missed the change.
"""

from alembic import op

revision = "stamp_with_the_clock"
down_revision = "keep_no_statistics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the trigger's function; the earlier version of the service sees no difference."""
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.stamp_update() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            NEW.version := OLD.version + 1;
            NEW.updated_at := greatest(OLD.updated_at, clock_timestamp());
            RETURN NEW;
        END
        $$
    """)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        VALUES
            ('stamp_with_the_clock', 'keep_plans'),
            ('stamp_with_the_clock', 'keep_no_statistics')
    """)


def downgrade() -> None:
    """Stamp with the beginning of the transaction again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'stamp_with_the_clock'")
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.stamp_update() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            NEW.version := OLD.version + 1;
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$
    """)
