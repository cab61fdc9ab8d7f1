"""Validate the bounds that `bound_texts` added, in a transaction of its own: it reads the tables and blocks no request.

What is longer already, as only SQL injected into the service can have made it, leaves its bound for new rows alone.
"""

from alembic import op

revision = "validate_bounds"
down_revision = "forget_the_expired"
branch_labels = None
depends_on = None

BOUNDS = (
    ("tenancy.tenant_events", "tenant_events_request_id_length", "char_length(request_id) <= 200"),
    ("tenancy_private.remembered_requests", "remembered_requests_answer_size", "octet_length(answer::text) <= 131072"),
)


def upgrade() -> None:
    """Validate each bound, or warn."""
    for table, bound, _ in BOUNDS:
        op.execute(f"""
            DO $$
            BEGIN
                ALTER TABLE {table} VALIDATE CONSTRAINT {bound};
            EXCEPTION
                WHEN check_violation THEN
                    RAISE WARNING '{table} has rows beyond {bound}: look at them, then validate it by hand';
            END
            $$
        """)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        VALUES
            ('validate_bounds', 'keep_plans'),
            ('validate_bounds', 'keep_no_statistics'),
            ('validate_bounds', 'stamp_with_the_clock'),
            ('validate_bounds', 'bound_texts'),
            ('validate_bounds', 'forget_the_expired')
    """)


def downgrade() -> None:
    """Leave them not validated again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'validate_bounds'")
    for table, bound, condition in BOUNDS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {bound}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {bound} CHECK ({condition}) NOT VALID")
