"""Create the tenants: banking groups and their subsidiaries, two levels, stated by constraints alone.

The organisation leads the primary key, so each organisation lies together on disk, its pages come in key order, and a
caller's reach is one interval of the key. A subsidiary's parent is found through the same key, and the organisation is
generated from the parent: so a parent must be the head of its organisation, and a third level or a cycle cannot be
written, not even by two transactions at once.
"""

from alembic import op

revision = "create_tenants"
down_revision = "create_schemas"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Identifiers, the table, its indexes, and the version that every update raises."""
    op.execute("CREATE TYPE tenancy.tenant_type AS ENUM ('parent', 'subsidiary')")

    # RFC 9562, version 7, with the sub-millisecond fraction of its method 3: ids made one after the other sort so.
    op.execute("""
        CREATE FUNCTION tenancy.uuid_v7() RETURNS uuid
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

    op.execute("""
        CREATE TABLE tenancy.tenants (
            tenant_id        uuid                NOT NULL DEFAULT tenancy.uuid_v7(),
            organization_id  uuid                NOT NULL
                             GENERATED ALWAYS AS (coalesce(parent_tenant_id, tenant_id)) STORED,
            tenant_type      tenancy.tenant_type NOT NULL,
            parent_tenant_id uuid,
            name             text                NOT NULL,
            metadata         jsonb               NOT NULL DEFAULT '{}',
            version          integer             NOT NULL DEFAULT 1,
            created_at       timestamptz         NOT NULL DEFAULT now(),
            updated_at       timestamptz         NOT NULL DEFAULT now(),

            CONSTRAINT tenants_pkey
                PRIMARY KEY (organization_id, tenant_id),
            CONSTRAINT tenants_parent_fkey
                FOREIGN KEY (organization_id, parent_tenant_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id),

            CONSTRAINT tenants_subsidiary_has_a_parent_and_a_parent_has_none
                CHECK ((tenant_type = 'subsidiary') = (parent_tenant_id IS NOT NULL)),
            CONSTRAINT tenants_nobody_is_his_own_parent
                CHECK (parent_tenant_id <> tenant_id),
            CONSTRAINT tenants_name_length
                CHECK (char_length(name) BETWEEN 1 AND 200),
            CONSTRAINT tenants_name_is_trimmed
                CHECK (name = btrim(name)),
            CONSTRAINT tenants_name_is_normalized
                CHECK (name IS NFC NORMALIZED),
            CONSTRAINT tenants_name_has_no_control_characters
                CHECK (name !~ '[[:cntrl:]]'),
            CONSTRAINT tenants_metadata_is_an_object
                CHECK (jsonb_typeof(metadata) = 'object'),
            -- The API allows 16 KiB as the client writes it; jsonb's own text is longer (spaces, 1e300 spelt out).
            CONSTRAINT tenants_metadata_size
                CHECK (octet_length(metadata::text) <= 65536)
        )
    """)

    op.execute("REVOKE USAGE ON TYPE tenancy.tenants FROM PUBLIC")
    # Not on the name itself: comparisons of text count as leakproof, so the planner would look a caller's text up in
    # this index before it asks the policies, and EXPLAIN ANALYZE would say how many hidden names it met.
    op.execute("""
        CREATE UNIQUE INDEX tenants_name_unique_in_organization ON tenancy.tenants (organization_id, (name || ''))
    """)

    # A platform operator looks up by id alone. Both columns, so that for a tenant, too, the policy's condition is an
    # index condition whichever index the planner takes: a foreign id must cost what an absent one costs.
    op.execute("CREATE INDEX tenants_tenant_id ON tenancy.tenants (tenant_id, organization_id)")

    # The heads of all organisations, in key order: a platform operator's list of parents.
    op.execute("""
        CREATE INDEX tenants_parents ON tenancy.tenants (organization_id, tenant_id)
        WHERE parent_tenant_id IS NULL
    """)

    # What the foreign key asks when a tenant is deleted: who names it as parent? Without it, deleting an organisation
    # would cost the square of its size. The last column is the policies': what they hide, no index scan counts.
    op.execute("""
        CREATE INDEX tenants_subsidiaries ON tenancy.tenants (organization_id, parent_tenant_id, tenant_id)
        WHERE parent_tenant_id IS NOT NULL
    """)

    # EXPLAIN shows the planner's estimates to every role, and they come from a sample of all rows, also hidden ones.
    # So no sample is taken of what a tenant wrote or when; only the ids are sampled, which plans need.
    op.execute("""
        ALTER TABLE tenancy.tenants
        ALTER COLUMN tenant_type SET STATISTICS 0,
        ALTER COLUMN name SET STATISTICS 0,
        ALTER COLUMN metadata SET STATISTICS 0,
        ALTER COLUMN version SET STATISTICS 0,
        ALTER COLUMN created_at SET STATISTICS 0,
        ALTER COLUMN updated_at SET STATISTICS 0
    """)

    # The version is the ETag. A trigger, so that no writer can forget it or choose it.
    op.execute("""
        CREATE FUNCTION tenancy.stamp_update() RETURNS trigger
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
    op.execute("""
        CREATE TRIGGER tenants_stamp_update
        BEFORE UPDATE ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy.stamp_update()
    """)


def downgrade() -> None:
    """Drop the tenants and all their data."""
    op.execute("DROP TABLE tenancy.tenants")
    op.execute("DROP FUNCTION tenancy.stamp_update()")
    op.execute("DROP FUNCTION tenancy.uuid_v7()")
    op.execute("DROP TYPE tenancy.tenant_type")
