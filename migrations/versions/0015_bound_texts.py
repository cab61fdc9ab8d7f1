"""Bound the texts that had no bound: the request id of an event, and a remembered answer.

The service keeps both short. SQL injected into it could have written megabytes into the audit trail, or into the memory
of answers. Not validated: what is longer already stays, and no table is read.
"""

from alembic import op

revision = "bound_texts"
down_revision = "stamp_with_the_clock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two constraints; earlier versions of the service never come near them.

    A creation with a key takes its locks in this order too. In the other order each could wait for the other.
    """
    op.execute("""
        ALTER TABLE tenancy_private.remembered_requests
            ADD CONSTRAINT remembered_requests_answer_size
            CHECK (octet_length(answer::text) <= 131072) NOT VALID
    """)
    op.execute("""
        ALTER TABLE tenancy.tenant_events
            ADD CONSTRAINT tenant_events_request_id_length
            CHECK (char_length(request_id) <= 200) NOT VALID
    """)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        VALUES
            ('bound_texts', 'keep_plans'),
            ('bound_texts', 'keep_no_statistics'),
            ('bound_texts', 'stamp_with_the_clock')
    """)


def downgrade() -> None:
    """Drop the bounds."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'bound_texts'")
    op.execute(
        "ALTER TABLE tenancy_private.remembered_requests DROP CONSTRAINT IF EXISTS remembered_requests_answer_size"
    )
    op.execute("ALTER TABLE tenancy.tenant_events DROP CONSTRAINT IF EXISTS tenant_events_request_id_length")
