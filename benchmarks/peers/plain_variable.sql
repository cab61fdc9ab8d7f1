-- The peers' table: the same tenants with the same privileges, isolated as in tutorials. The variable names a tenant
-- without a proof, and the policy compares with it. The indexes fit the peers' queries.

CREATE ROLE plain_api LOGIN PASSWORD 'plain' NOSUPERUSER NOBYPASSRLS;
CREATE ROLE plain_unbound LOGIN PASSWORD 'plain' NOSUPERUSER BYPASSRLS;

CREATE SCHEMA plain;
CREATE TYPE plain.tenant_type AS ENUM ('parent', 'subsidiary');

CREATE TABLE plain.tenants (
    tenant_id        uuid              PRIMARY KEY DEFAULT tenancy.uuid_v7(),
    tenant_type      plain.tenant_type NOT NULL,
    parent_tenant_id uuid              REFERENCES plain.tenants (tenant_id),
    name             text              NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    metadata         jsonb             NOT NULL DEFAULT '{}',
    version          integer           NOT NULL DEFAULT 1,
    created_at       timestamptz       NOT NULL DEFAULT now(),
    updated_at       timestamptz       NOT NULL DEFAULT now()
);

CREATE TRIGGER tenants_stamp_update
BEFORE UPDATE ON plain.tenants
FOR EACH ROW EXECUTE FUNCTION tenancy.stamp_update();

ALTER TABLE plain.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE plain.tenants FORCE ROW LEVEL SECURITY;

CREATE POLICY a_tenant_reaches_itself_and_its_subsidiaries ON plain.tenants
FOR ALL TO plain_api
USING (
    tenant_id = (SELECT current_setting('app.current_tenant', true)::uuid)
    OR parent_tenant_id = (SELECT current_setting('app.current_tenant', true)::uuid)
);

INSERT INTO plain.tenants
    (tenant_id, tenant_type, parent_tenant_id, name, metadata, version, created_at, updated_at)
SELECT
    tenant_id, tenant_type::text::plain.tenant_type, parent_tenant_id, name, metadata, version, created_at, updated_at
FROM tenancy.tenants;

CREATE UNIQUE INDEX tenants_name_unique_in_organization ON plain.tenants (parent_tenant_id, name);
CREATE INDEX tenants_subsidiaries ON plain.tenants (parent_tenant_id, tenant_id);

GRANT USAGE ON SCHEMA plain, tenancy TO plain_api, plain_unbound;
GRANT SELECT, INSERT, UPDATE, DELETE ON plain.tenants TO plain_api, plain_unbound;
GRANT EXECUTE ON FUNCTION tenancy.uuid_v7() TO plain_api, plain_unbound;
