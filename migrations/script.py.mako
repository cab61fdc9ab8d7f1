"""${message}.

Say here what changes and why, and what a rollback loses.
"""

from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what exists afterwards."""
    ${upgrades if upgrades else 'op.execute("""...""")'}
    # If the version before this can serve on the new schema, see docs/how-to/production.md, add:
    # INSERT INTO public.compatible_revisions VALUES ('${up_revision}', '${down_revision}'), and delete it in `downgrade`.


def downgrade() -> None:
    """Undo `upgrade`."""
    ${downgrades if downgrades else 'op.execute("""...""")'}
