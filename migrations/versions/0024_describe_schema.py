"""Describe the schema in comments: what each table, column and function is for, where its name does not say it.

psql, diagram tools and docs/schema.sql show them. One constraint gets a plainer name.
"""

from alembic import op

revision = "describe_schema"
down_revision = "validate_organization"
branch_labels = None
depends_on = None

COMMENTS = {
    "SCHEMA tenancy": "What the service''s roles may address.",
    "SCHEMA tenancy_private": "What only functions of the owner reach: no other role has USAGE.",
    "TABLE tenancy.tenants": "Banking groups (parents) and their subsidiaries: two levels, held by constraints alone.",
    "COLUMN tenancy.tenants.organization_id": (
        "The parent, or the tenant itself where there is none. Filled in by a trigger, held by a CHECK."
    ),
    "COLUMN tenancy.tenants.version": "Counts updates; the ETag of the API.",
    "TABLE tenancy.tenant_events": "The audit trail: one row for each change of a tenant''s row. Only added to.",
    "COLUMN tenancy.tenant_events.table_name": "The table that was changed, without its schema.",
    "COLUMN tenancy.tenant_events.old_values": "The row before, without its key; NULL when it was created.",
    "COLUMN tenancy.tenant_events.new_values": "The row after, without its key; NULL when it was deleted.",
    "COLUMN tenancy.tenant_events.token_id": "The token that proved the caller; NULL for a change made without one.",
    "COLUMN tenancy.tenant_events.request_id": "As the service gave it to sign_in: a way to the log, no proof.",
    "TABLE tenancy_private.access_tokens": "Who a caller is. Only SHA-256 hashes of random 256-bit tokens are stored.",
    "TABLE tenancy_private.idempotency_keys": "Answers to creations with an Idempotency-Key, for 24 hours.",
    "COLUMN tenancy_private.idempotency_keys.tenant_id": "The tenant that used the key; the nil UUID for operators.",
    "TABLE public.compatible_revisions": "Which earlier versions of the service may serve on which schema.",
    "FUNCTION tenancy.uuid_v7()": "RFC 9562, version 7: ids made one after the other sort so.",
    "FUNCTION tenancy.sign_in(text, text)": (
        "Presents a token for this transaction and returns its caller; error 28000 for a token that is not valid."
    ),
    "FUNCTION tenancy.current_tenant_id()": "The tenant of the presented token; NULL without one.",
    "FUNCTION tenancy.current_organization_id()": "The organisation of the presented token; NULL without one.",
    "FUNCTION tenancy.first_tenant_id_in_reach()": "Where the reach begins: the tenant, for a parent the nil UUID.",
    "FUNCTION tenancy.last_tenant_id_in_reach()": "Where the reach ends: the tenant, for a parent the highest UUID.",
    "FUNCTION tenancy.first_organization_id_in_reach()": "The nil UUID for a platform operator, otherwise NULL.",
    "FUNCTION tenancy.is_platform_operator()": "Whether the presented token is a platform operator''s.",
    "FUNCTION tenancy.begin_request(text, bytea)": "Claims an Idempotency-Key, or returns the answer stored under it.",
    "FUNCTION tenancy.finish_request(text, jsonb)": "Stores the answer under the key that begin_request claimed.",
    "FUNCTION tenancy_private.current_access_token()": "The only reader of app.current_tenant: the valid token in it.",
    "FUNCTION tenancy_private.caller_tenant_id()": "Whose idempotency keys these are; error 28000 without a token.",
    "FUNCTION tenancy_private.record_row_event()": "Adds an event; arguments name the columns that it leaves out.",
    "PROCEDURE tenancy.protect_tenant_table(regclass, text[], text[], boolean)": (
        "For migrations: row level security, policies, grants and audit trail of a table of tenants'' rows."
    ),
    "PROCEDURE tenancy.unprotect_tenant_table(regclass)": "For migrations: undoes protect_tenant_table.",
    "PROCEDURE tenancy_private.create_reach_policy(regclass, name, text, regrole)": (
        "Creates a policy whose condition is the reach of the role''s caller. The condition stands here only."
    ),
}
RENAMED = ("tenants_nobody_is_his_own_parent", "tenants_parent_is_another_tenant")


def upgrade() -> None:
    """Add the comments, and rename the constraint; no version of the service knows its name."""
    for place, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {place} IS '{comment}'")
    before, after = RENAMED
    op.execute(f"-- squawk-ignore renaming-object\nALTER TABLE tenancy.tenants RENAME CONSTRAINT {before} TO {after}")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'describe_schema', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'validate_organization'
        UNION ALL
        VALUES ('describe_schema', 'validate_organization')
    """)


def downgrade() -> None:
    """Remove the comments, and rename the constraint back."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'describe_schema'")
    before, after = RENAMED
    op.execute(f"ALTER TABLE tenancy.tenants RENAME CONSTRAINT {after} TO {before}")
    for place in COMMENTS:
        op.execute(f"COMMENT ON {place} IS NULL")
