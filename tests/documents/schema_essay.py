"""The head of docs/schema.sql: the reasons for the schema's design."""

ESSAY = """\
-- The schema as it is, made by `make docs` from a migrated database. migrations/versions has its history.
--
-- A banking group is an organisation: a parent and its subsidiaries. The database keeps organisations apart, whatever
-- SQL the service's role runs. It does so with four ideas.
--
-- 1. The context proves a tenant. `app.current_tenant` holds the caller's access token, not an id. Only one function
--    reads it, `tenancy_private.current_access_token`: it looks up the token's SHA-256 hash. Any role can set the
--    variable to any value; without a valid token there is no row to read and none to write. There is no key to steal,
--    and a token that is revoked is refused at the next statement. The policies of INSERT, UPDATE and DELETE take
--    tenant and organisation from functions that refuse a read-only token (MT002).
--
-- 2. The organisation leads the key. The primary key of tenants is (organization_id, tenant_id), and other tables of
--    tenants' rows begin theirs with it. A caller's reach is then one interval of the key: a parent's is its
--    organisation, a subsidiary's is itself. A policy states the interval, which is an index condition, so a page costs
--    the same in a small and in a large organisation, and a hidden id costs what an absent one costs. organization_id
--    is a plain column, filled in by a trigger and held to coalesce(parent_tenant_id, tenant_id) by a CHECK, so the
--    table could be partitioned or replicated by it. A parent is referred to by (organization_id, parent_tenant_id):
--    two levels and no cycle follow from the foreign key, without a trigger and without a race.
--
-- 3. Grants come before policies. Nothing is granted to PUBLIC. tenancy_owner owns everything and cannot log in. The
--    service logs in as tenancy_api and may write the columns listed below, no others; requests of platform operators
--    switch to tenancy_platform, whose policies demand an operator's token. tenancy_operator issues and revokes tokens.
--    The tables of tenancy_private are reached through functions alone. Row level security is enabled and forced, so it
--    binds the owner too.
--
-- 4. The planner is an observer. EXPLAIN shows its estimates to every role, so no statistics are kept of anything that
--    tenants wrote (SET STATISTICS 0). It evaluates cheap conditions first, so every policy begins with one that costs
--    nothing, and the others are written as `= ANY (ARRAY[...])`. It may evaluate a cheap condition of a query before
--    the policies: policies_come_first() forbids that while it plans. `(SELECT f())` runs once a statement, not a row.
--
-- Every change of a tenant's row, by any statement, leaves an event in the same transaction. A new table of tenants'
-- rows gets all of this by one call: CALL tenancy.protect_tenant_table(...). The condition on the reach stands in one
-- place, tenancy_private.create_reach_policy. `mtdb check` compares what it finds with its own text of it.
--
-- Everything is created as tenancy_owner, after scripts/create_roles.sql. Run in an empty database, this file makes the
-- same schema as the migrations, but for Alembic's own table, which the service may read; a test does it.
"""
