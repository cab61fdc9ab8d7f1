"""Write in plpgsql what every change of a tenant calls: it keeps its plans for the session.

A function in SQL that PostgreSQL cannot inline is read from the catalogue and planned anew by every statement that
calls it. Three such calls, one for the event's id and two for its values, took 23 % of PostgreSQL's time for an update.
"""

from alembic import op

revision = "keep_plans"
down_revision = "leave_expired_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace two functions by their like; instances of the version before see no difference."""
    # RFC 9562, version 7, with the sub-millisecond fraction of its method 3: ids made one after the other sort so.
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.uuid_v7() RETURNS uuid
        LANGUAGE plpgsql
        VOLATILE
        PARALLEL SAFE
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            microseconds CONSTANT bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
        BEGIN
            RETURN encode(
                overlay(
                    overlay(
                        uuid_send(gen_random_uuid())
                        PLACING substring(int8send(microseconds / 1000) FROM 3) FROM 1 FOR 6
                    )
                    PLACING substring(int4send((28672 + microseconds % 1000 * 4096 / 1000)::integer) FROM 3)
                    FROM 7 FOR 2
                ),
                'hex'
            )::uuid;
        END
        $$
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy_private.describe_tenant(tenant tenancy.tenants) RETURNS jsonb
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            RETURN jsonb_build_object(
                'name', tenant.name,
                'tenant_type', tenant.tenant_type,
                'parent_tenant_id', tenant.parent_tenant_id,
                'metadata', tenant.metadata,
                'version', tenant.version
            );
        END
        $$
    """)


def downgrade() -> None:
    """Write them in SQL again."""
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy_private.describe_tenant(tenant tenancy.tenants) RETURNS jsonb
        LANGUAGE sql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        RETURN jsonb_build_object(
            'name', tenant.name,
            'tenant_type', tenant.tenant_type,
            'parent_tenant_id', tenant.parent_tenant_id,
            'metadata', tenant.metadata,
            'version', tenant.version
        )
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.uuid_v7() RETURNS uuid
        LANGUAGE sql
        VOLATILE
        PARALLEL SAFE
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            SELECT encode(
                overlay(
                    overlay(
                        uuid_send(gen_random_uuid())
                        PLACING substring(int8send(clock.microseconds / 1000) FROM 3) FROM 1 FOR 6
                    )
                    PLACING substring(int4send((28672 + clock.microseconds % 1000 * 4096 / 1000)::integer) FROM 3)
                    FROM 7 FOR 2
                ),
                'hex'
            )::uuid
            FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS microseconds) AS clock;
        END
    """)
