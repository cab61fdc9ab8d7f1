-- rowstile's table: the peers' tenants with the same columns, privileges and indexes, and its callers.
-- policy.authz becomes its policies.

CREATE ROLE plain_rowstile LOGIN PASSWORD 'plain' NOSUPERUSER NOBYPASSRLS;

CREATE SCHEMA governed;

CREATE TABLE governed.tenants (LIKE plain.tenants INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO governed.tenants SELECT * FROM plain.tenants;
ALTER TABLE governed.tenants
    ADD PRIMARY KEY (tenant_id),
    ADD FOREIGN KEY (parent_tenant_id) REFERENCES governed.tenants (tenant_id);
CREATE UNIQUE INDEX tenants_name_unique_in_organization ON governed.tenants (parent_tenant_id, name);
CREATE INDEX tenants_subsidiaries ON governed.tenants (parent_tenant_id, tenant_id);

CREATE TRIGGER tenants_stamp_update
BEFORE UPDATE ON governed.tenants
FOR EACH ROW EXECUTE FUNCTION tenancy.stamp_update();

CREATE TABLE governed.callers (caller_id uuid PRIMARY KEY);
INSERT INTO governed.callers SELECT tenant_id FROM governed.tenants;

GRANT USAGE ON SCHEMA governed, plain, tenancy TO plain_rowstile;
GRANT SELECT, INSERT, UPDATE, DELETE ON governed.tenants TO plain_rowstile;
GRANT EXECUTE ON FUNCTION tenancy.uuid_v7() TO plain_rowstile;
