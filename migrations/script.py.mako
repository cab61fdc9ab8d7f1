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


def downgrade() -> None:
    """Undo `upgrade`."""
    ${downgrades if downgrades else 'op.execute("""...""")'}
