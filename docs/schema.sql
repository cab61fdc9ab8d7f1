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


-- Schemas -----------------------------------------------------------------------------------------------------------

ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;

CREATE SCHEMA tenancy;
COMMENT ON SCHEMA tenancy IS 'What the service''s roles may address.';

CREATE SCHEMA tenancy_private;
COMMENT ON SCHEMA tenancy_private IS 'What only functions of the owner reach: no other role has USAGE.';


-- Types -------------------------------------------------------------------------------------------------------------

CREATE TYPE tenancy.tenant_type AS ENUM ('parent', 'subsidiary');

CREATE TYPE tenancy_private.token_role AS ENUM ('tenant', 'platform_operator');

CREATE TYPE tenancy.tenant_event_type AS ENUM ('created', 'updated', 'deleted');

CREATE TYPE tenancy.issued_token AS (
    token_id uuid,
    role text,
    organization_id uuid,
    tenant_id uuid,
    label text,
    created_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TYPE tenancy.token_record AS (
    token_id uuid,
    role text,
    organization_id uuid,
    tenant_id uuid,
    label text,
    created_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    may_write boolean,
    operator_token_id uuid,
    operator_label text
);


-- What columns are filled with --------------------------------------------------------------------------------------

CREATE FUNCTION tenancy.uuid_v7()
 RETURNS uuid
 LANGUAGE plpgsql
 PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
COMMENT ON FUNCTION tenancy.uuid_v7() IS 'RFC 9562, version 7: ids made one after the other sort so.';


-- tenancy.tenants ---------------------------------------------------------------------------------------------------

CREATE TABLE tenancy.tenants (
    tenant_id        uuid NOT NULL DEFAULT tenancy.uuid_v7(),
    organization_id  uuid NOT NULL,
    tenant_type      tenancy.tenant_type NOT NULL,
    parent_tenant_id uuid,
    name             text NOT NULL,
    metadata         jsonb NOT NULL DEFAULT '{}'::jsonb,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey
        PRIMARY KEY (organization_id, tenant_id),
    CONSTRAINT tenants_parent_fkey
        FOREIGN KEY (organization_id, parent_tenant_id) REFERENCES tenancy.tenants(organization_id, tenant_id),
    CONSTRAINT tenants_metadata_is_an_object
        CHECK (jsonb_typeof(metadata) = 'object'::text),
    CONSTRAINT tenants_metadata_size
        CHECK (octet_length(metadata::text) <= 65536),
    CONSTRAINT tenants_name_has_no_control_characters
        CHECK (name !~ '[[:cntrl:]]'::text),
    CONSTRAINT tenants_name_is_normalized
        CHECK ((name IS NFC NORMALIZED)),
    CONSTRAINT tenants_name_is_trimmed
        CHECK (name = btrim(name)),
    CONSTRAINT tenants_name_length
        CHECK (char_length(name) >= 1 AND char_length(name) <= 200),
    CONSTRAINT tenants_organization_follows_from_the_parent
        CHECK (organization_id = COALESCE(parent_tenant_id, tenant_id)),
    CONSTRAINT tenants_parent_is_another_tenant
        CHECK (parent_tenant_id <> tenant_id),
    CONSTRAINT tenants_subsidiary_has_a_parent_and_a_parent_has_none
        CHECK ((tenant_type = 'subsidiary'::tenancy.tenant_type) = (parent_tenant_id IS NOT NULL))
);
CREATE UNIQUE INDEX tenants_name_unique_in_organization ON tenancy.tenants USING btree (organization_id, (name || ''::text));
ALTER INDEX tenancy.tenants_name_unique_in_organization ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX tenants_parents ON tenancy.tenants USING btree (organization_id, tenant_id) WHERE parent_tenant_id IS NULL;
CREATE INDEX tenants_subsidiaries ON tenancy.tenants USING btree (organization_id, parent_tenant_id, tenant_id) WHERE parent_tenant_id IS NOT NULL;
CREATE INDEX tenants_tenant_id ON tenancy.tenants USING btree (tenant_id, organization_id);
ALTER TABLE tenancy.tenants
    ALTER COLUMN tenant_id SET STATISTICS 0, ALTER COLUMN organization_id SET STATISTICS 0,
    ALTER COLUMN tenant_type SET STATISTICS 0, ALTER COLUMN parent_tenant_id SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN metadata SET STATISTICS 0, ALTER COLUMN version SET STATISTICS 0,
    ALTER COLUMN created_at SET STATISTICS 0, ALTER COLUMN updated_at SET STATISTICS 0;
ALTER TABLE tenancy.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy.tenants IS 'Banking groups (parents) and their subsidiaries: two levels, held by constraints alone.';
COMMENT ON COLUMN tenancy.tenants.organization_id IS 'The parent, or the tenant itself where there is none. Filled in by a trigger, held by a CHECK.';
COMMENT ON COLUMN tenancy.tenants.version IS 'Counts updates; the ETag of the API.';


-- tenancy.tenant_events ---------------------------------------------------------------------------------------------

CREATE TABLE tenancy.tenant_events (
    organization_id   uuid NOT NULL,
    tenant_id         uuid NOT NULL,
    event_id          uuid NOT NULL DEFAULT tenancy.uuid_v7(),
    event_type        tenancy.tenant_event_type NOT NULL,
    occurred_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    old_values        jsonb,
    new_values        jsonb,
    token_id          uuid,
    token_label       text,
    actor_tenant_id   uuid,
    database_role     text NOT NULL,
    request_id        text,
    table_name        text NOT NULL DEFAULT 'tenants'::text,
    operator_token_id uuid,
    operator_label    text,
    CONSTRAINT tenant_events_pkey
        PRIMARY KEY (organization_id, tenant_id, event_id),
    CONSTRAINT tenant_events_request_id_length
        CHECK (char_length(request_id) <= 200),
    CONSTRAINT tenant_events_values_fit_the_type
        CHECK ((event_type = 'created'::tenancy.tenant_event_type) = (old_values IS NULL) AND (event_type = 'deleted'::tenancy.tenant_event_type) = (new_values IS NULL))
);
CREATE INDEX tenant_events_event_id ON tenancy.tenant_events USING btree (event_id, organization_id, tenant_id);
ALTER TABLE tenancy.tenant_events
    ALTER COLUMN organization_id SET STATISTICS 0, ALTER COLUMN tenant_id SET STATISTICS 0,
    ALTER COLUMN event_id SET STATISTICS 0, ALTER COLUMN event_type SET STATISTICS 0,
    ALTER COLUMN occurred_at SET STATISTICS 0, ALTER COLUMN old_values SET STATISTICS 0,
    ALTER COLUMN new_values SET STATISTICS 0, ALTER COLUMN token_id SET STATISTICS 0,
    ALTER COLUMN token_label SET STATISTICS 0, ALTER COLUMN actor_tenant_id SET STATISTICS 0,
    ALTER COLUMN database_role SET STATISTICS 0, ALTER COLUMN request_id SET STATISTICS 0,
    ALTER COLUMN table_name SET STATISTICS 0, ALTER COLUMN operator_token_id SET STATISTICS 0,
    ALTER COLUMN operator_label SET STATISTICS 0;
ALTER TABLE tenancy.tenant_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy.tenant_events IS 'The audit trail: one row for each change of a tenant''s row. Only added to.';
COMMENT ON COLUMN tenancy.tenant_events.old_values IS 'The row before, without its key; NULL when it was created.';
COMMENT ON COLUMN tenancy.tenant_events.new_values IS 'The row after, without its key; NULL when it was deleted.';
COMMENT ON COLUMN tenancy.tenant_events.token_id IS 'The token that proved the caller; NULL for a change made without one.';
COMMENT ON COLUMN tenancy.tenant_events.request_id IS 'As the service gave it to sign_in: a way to the log, no proof.';
COMMENT ON COLUMN tenancy.tenant_events.table_name IS 'The table that was changed, without its schema.';
COMMENT ON COLUMN tenancy.tenant_events.operator_token_id IS 'The platform operator''s token behind a view token; NULL for other callers.';


-- tenancy_private.access_tokens -------------------------------------------------------------------------------------

CREATE TABLE tenancy_private.access_tokens (
    token_hash        bytea NOT NULL,
    token_id          uuid NOT NULL DEFAULT tenancy.uuid_v7(),
    role              tenancy_private.token_role NOT NULL,
    organization_id   uuid,
    tenant_id         uuid,
    label             text NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz NOT NULL,
    revoked_at        timestamptz,
    may_write         boolean NOT NULL DEFAULT true,
    operator_token_id uuid,
    operator_label    text,
    CONSTRAINT access_tokens_pkey
        PRIMARY KEY (token_hash),
    CONSTRAINT access_tokens_token_id_unique
        UNIQUE (token_id),
    CONSTRAINT access_tokens_tenant_fkey
        FOREIGN KEY (organization_id, tenant_id) REFERENCES tenancy.tenants(organization_id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT access_tokens_expire_after_they_begin
        CHECK (expires_at > created_at),
    CONSTRAINT access_tokens_hash_is_sha256
        CHECK (octet_length(token_hash) = 32),
    CONSTRAINT access_tokens_label_length
        CHECK (char_length(label) >= 1 AND char_length(label) <= 200),
    CONSTRAINT access_tokens_operator_has_a_label_and_is_no_tenant
        CHECK ((operator_token_id IS NULL) = (operator_label IS NULL) AND (operator_token_id IS NULL OR role = 'tenant'::tenancy_private.token_role)),
    CONSTRAINT access_tokens_role_says_whether_there_is_a_tenant
        CHECK ((role = 'tenant'::tenancy_private.token_role) = (tenant_id IS NOT NULL) AND (role = 'tenant'::tenancy_private.token_role) = (organization_id IS NOT NULL))
);
CREATE INDEX access_tokens_expires_at ON tenancy_private.access_tokens USING btree (expires_at);
CREATE INDEX access_tokens_operator_token_id ON tenancy_private.access_tokens USING btree (operator_token_id);
CREATE INDEX access_tokens_organization ON tenancy_private.access_tokens USING btree (organization_id, token_id);
CREATE INDEX access_tokens_revoked_at ON tenancy_private.access_tokens USING btree (revoked_at);
CREATE INDEX access_tokens_tenant_token ON tenancy_private.access_tokens USING btree (organization_id, tenant_id, token_id);
ALTER TABLE tenancy_private.access_tokens
    ALTER COLUMN token_hash SET STATISTICS 0, ALTER COLUMN token_id SET STATISTICS 0,
    ALTER COLUMN role SET STATISTICS 0, ALTER COLUMN organization_id SET STATISTICS 0,
    ALTER COLUMN tenant_id SET STATISTICS 0, ALTER COLUMN label SET STATISTICS 0,
    ALTER COLUMN created_at SET STATISTICS 0, ALTER COLUMN expires_at SET STATISTICS 0,
    ALTER COLUMN revoked_at SET STATISTICS 0, ALTER COLUMN may_write SET STATISTICS 0,
    ALTER COLUMN operator_token_id SET STATISTICS 0, ALTER COLUMN operator_label SET STATISTICS 0;
ALTER TABLE tenancy_private.access_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy_private.access_tokens IS 'Who a caller is. Only SHA-256 hashes of random 256-bit tokens are stored.';
COMMENT ON COLUMN tenancy_private.access_tokens.revoked_at IS 'NULL while valid; ''infinity'' on a server that the organisation is moving to, before the switch.';
COMMENT ON COLUMN tenancy_private.access_tokens.may_write IS 'False for a read-only token: policies refuse its writes with MT002.';
COMMENT ON COLUMN tenancy_private.access_tokens.operator_token_id IS 'The platform operator''s token that a view token was issued with; NULL for other tokens.';


-- tenancy_private.idempotency_keys ----------------------------------------------------------------------------------

CREATE TABLE tenancy_private.idempotency_keys (
    tenant_id       uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_hash    bytea NOT NULL,
    answer          jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey
        PRIMARY KEY (tenant_id, idempotency_key),
    CONSTRAINT idempotency_keys_answer_size
        CHECK (octet_length(answer::text) <= 131072),
    CONSTRAINT idempotency_keys_hash_is_sha256
        CHECK (octet_length(request_hash) = 32),
    CONSTRAINT idempotency_keys_key_length
        CHECK (char_length(idempotency_key) >= 1 AND char_length(idempotency_key) <= 255)
);
CREATE INDEX idempotency_keys_created_at ON tenancy_private.idempotency_keys USING btree (created_at);
ALTER TABLE tenancy_private.idempotency_keys
    ALTER COLUMN tenant_id SET STATISTICS 0, ALTER COLUMN idempotency_key SET STATISTICS 0,
    ALTER COLUMN request_hash SET STATISTICS 0, ALTER COLUMN answer SET STATISTICS 0,
    ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE tenancy_private.idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy_private.idempotency_keys IS 'Answers to creations with an Idempotency-Key, for 24 hours.';
COMMENT ON COLUMN tenancy_private.idempotency_keys.tenant_id IS 'The tenant that used the key; the nil UUID for operators.';


-- tenancy_private.moved_tokens --------------------------------------------------------------------------------------

CREATE TABLE tenancy_private.moved_tokens (
    token_hash bytea NOT NULL,
    server     text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT moved_tokens_pkey
        PRIMARY KEY (token_hash),
    CONSTRAINT moved_tokens_hash_is_sha256
        CHECK (octet_length(token_hash) = 32),
    CONSTRAINT moved_tokens_server_length
        CHECK (char_length(server) >= 1 AND char_length(server) <= 16)
);
CREATE INDEX moved_tokens_expires_at ON tenancy_private.moved_tokens USING btree (expires_at);
ALTER TABLE tenancy_private.moved_tokens
    ALTER COLUMN token_hash SET STATISTICS 0, ALTER COLUMN server SET STATISTICS 0,
    ALTER COLUMN expires_at SET STATISTICS 0;
ALTER TABLE tenancy_private.moved_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy_private.moved_tokens IS 'Tokens of organisations that moved to another server, until they expire.';
COMMENT ON COLUMN tenancy_private.moved_tokens.server IS 'The label of the server to ask instead, as the settings name it.';


-- tenancy_private.organizations_of_tenants --------------------------------------------------------------------------

CREATE TABLE tenancy_private.organizations_of_tenants (
    organization_id uuid NOT NULL,
    tenant_id       uuid NOT NULL,
    CONSTRAINT organizations_of_tenants_pkey
        PRIMARY KEY (organization_id, tenant_id),
    CONSTRAINT organizations_of_tenants_tenant_unique
        UNIQUE (tenant_id),
    CONSTRAINT organizations_of_tenants_tenant_fkey
        FOREIGN KEY (organization_id, tenant_id) REFERENCES tenancy.tenants(organization_id, tenant_id) ON DELETE CASCADE
);
ALTER TABLE tenancy_private.organizations_of_tenants
    ALTER COLUMN organization_id SET STATISTICS 0, ALTER COLUMN tenant_id SET STATISTICS 0;
ALTER TABLE tenancy_private.organizations_of_tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy_private.organizations_of_tenants IS 'The keys of the tenants for the trigger of tables that `mtdb table` protects; empty at other times.';


-- tenancy_private.quotas --------------------------------------------------------------------------------------------

CREATE TABLE tenancy_private.quotas (
    organization_id  uuid,
    max_subsidiaries integer NOT NULL,
    CONSTRAINT quotas_organization_unique
        UNIQUE NULLS NOT DISTINCT (organization_id),
    CONSTRAINT quotas_organization_fkey
        FOREIGN KEY (organization_id, organization_id) REFERENCES tenancy.tenants(organization_id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT quotas_max_subsidiaries_is_not_negative
        CHECK (max_subsidiaries >= 0)
);
ALTER TABLE tenancy_private.quotas
    ALTER COLUMN organization_id SET STATISTICS 0, ALTER COLUMN max_subsidiaries SET STATISTICS 0;
ALTER TABLE tenancy_private.quotas ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, REPLICA IDENTITY FULL;
COMMENT ON TABLE tenancy_private.quotas IS 'How many subsidiaries an organisation may have; without a row, any number.';
COMMENT ON COLUMN tenancy_private.quotas.organization_id IS 'NULL is the default, for organisations without a quota.';


-- public.compatible_revisions ---------------------------------------------------------------------------------------

CREATE TABLE public.compatible_revisions (
    schema_revision  text NOT NULL,
    service_revision text NOT NULL,
    CONSTRAINT compatible_revisions_pkey
        PRIMARY KEY (schema_revision, service_revision)
);
COMMENT ON TABLE public.compatible_revisions IS 'Which earlier versions of the service may serve on which schema.';


-- Functions ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION tenancy.stamp_update()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := greatest(OLD.updated_at, clock_timestamp());
    RETURN NEW;
END
$function$;

CREATE FUNCTION tenancy_private.current_access_token()
 RETURNS tenancy_private.access_tokens
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    presented    text := current_setting('app.current_tenant', true);
    access_token tenancy_private.access_tokens;
BEGIN
    IF presented IS NULL OR presented = '' THEN
        RETURN NULL;
    END IF;

    -- An older snapshot would not show that the token has been revoked since.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'an access token counts in READ COMMITTED transactions only'
        USING ERRCODE = 'invalid_transaction_state';
    END IF;

    SELECT token.*
    INTO access_token
    FROM tenancy_private.access_tokens AS token
    WHERE token.token_hash = sha256(convert_to(presented, 'UTF8'))
      AND token.revoked_at IS NULL
      AND token.expires_at > clock_timestamp();

    IF NOT FOUND THEN
        PERFORM tenancy_private.follow_access_token(sha256(convert_to(presented, 'UTF8')));
        RAISE EXCEPTION 'the access token is not valid'
        USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    RETURN access_token;
END
$function$;
COMMENT ON FUNCTION tenancy_private.current_access_token() IS 'The only reader of app.current_tenant: the valid token in it.';

CREATE FUNCTION tenancy.sign_in(
    token text,
    request_id text DEFAULT NULL::text,
    OUT tenant_id uuid,
    OUT organization_id uuid,
    OUT caller_role text
)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens;
BEGIN
    PERFORM set_config('app.current_tenant', coalesce(token, ''), true);
    PERFORM set_config('app.request_id', coalesce(request_id, ''), true);
    access_token := tenancy_private.current_access_token();

    IF access_token.token_hash IS NULL THEN
        RAISE EXCEPTION 'the access token is not valid'
        USING ERRCODE = 'invalid_authorization_specification';
    END IF;

    tenant_id := access_token.tenant_id;
    organization_id := access_token.organization_id;
    caller_role := CASE
        WHEN access_token.role = 'platform_operator' THEN 'platform_operator'
        WHEN access_token.tenant_id = access_token.organization_id THEN 'parent'
        ELSE 'subsidiary'
    END;
END
$function$;
COMMENT ON FUNCTION tenancy.sign_in(text,text) IS 'Presents a token for this transaction and returns its caller; error 28000 for a token that is not valid.';

CREATE FUNCTION tenancy.current_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    RETURN access_token.tenant_id;
END
$function$;
COMMENT ON FUNCTION tenancy.current_tenant_id() IS 'The tenant of the presented token; NULL without one.';

CREATE FUNCTION tenancy.current_organization_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    RETURN access_token.organization_id;
END
$function$;
COMMENT ON FUNCTION tenancy.current_organization_id() IS 'The organisation of the presented token; NULL without one.';

CREATE FUNCTION tenancy.first_tenant_id_in_reach()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF access_token.tenant_id = access_token.organization_id THEN
        RETURN '00000000-0000-0000-0000-000000000000';
    END IF;
    RETURN access_token.tenant_id;
END
$function$;
COMMENT ON FUNCTION tenancy.first_tenant_id_in_reach() IS 'Where the reach begins: the tenant, for a parent the nil UUID.';

CREATE FUNCTION tenancy.last_tenant_id_in_reach()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF access_token.tenant_id = access_token.organization_id THEN
        RETURN 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    END IF;
    RETURN access_token.tenant_id;
END
$function$;
COMMENT ON FUNCTION tenancy.last_tenant_id_in_reach() IS 'Where the reach ends: the tenant, for a parent the highest UUID.';

CREATE FUNCTION tenancy.is_platform_operator()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    RETURN coalesce(access_token.role = 'platform_operator', false);
END
$function$;
COMMENT ON FUNCTION tenancy.is_platform_operator() IS 'Whether the presented token is a platform operator''s.';

CREATE FUNCTION tenancy.first_organization_id_in_reach()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF access_token.role = 'platform_operator' THEN
        RETURN '00000000-0000-0000-0000-000000000000';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tenancy.first_organization_id_in_reach() IS 'The nil UUID for a platform operator, otherwise NULL.';

CREATE FUNCTION tenancy.list_tokens()
 RETURNS SETOF tenancy.issued_token
 LANGUAGE sql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT token.token_id,
     (token.role)::text AS role,
     token.organization_id,
     token.tenant_id,
     token.label,
     token.created_at,
     token.expires_at,
     token.revoked_at
    FROM tenancy_private.access_tokens token
   ORDER BY token.token_id;
END;

CREATE FUNCTION tenancy.revoke_token(token_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    is_revoked boolean;
BEGIN
    UPDATE tenancy_private.access_tokens AS token
    SET revoked_at = clock_timestamp()
    WHERE token.token_id = revoke_token.token_id
      AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity');
    is_revoked := FOUND;

    -- A statement of its own: it sees the view tokens issued until the first one had its lock.
    UPDATE tenancy_private.access_tokens AS token
    SET revoked_at = clock_timestamp()
    WHERE token.operator_token_id = revoke_token.token_id
      AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity');
    RETURN is_revoked OR FOUND;
END
$function$;

CREATE FUNCTION tenancy_private.refuse_truncation()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    RAISE EXCEPTION '% are deleted, not truncated, which would record no event', TG_TABLE_NAME
    USING ERRCODE = 'feature_not_supported', HINT = 'Use DELETE.';
END
$function$;

CREATE FUNCTION tenancy_private.caller_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF access_token.token_hash IS NULL THEN
        RAISE EXCEPTION 'the access token is not valid'
        USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    IF NOT access_token.may_write THEN
        RAISE EXCEPTION 'the access token is read-only'
        USING ERRCODE = 'MT002';
    END IF;
    RETURN coalesce(access_token.tenant_id, '00000000-0000-0000-0000-000000000000');
END
$function$;
COMMENT ON FUNCTION tenancy_private.caller_tenant_id() IS 'Whose idempotency keys these are; error 28000 without a token.';

CREATE FUNCTION tenancy.begin_request(
    idempotency_key text,
    request_hash bytea,
    OUT is_new boolean,
    OUT is_same boolean,
    OUT answer jsonb
)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    caller uuid := tenancy_private.caller_tenant_id();
BEGIN
    -- Keys of any tenant. A deleted key is locked until the transaction ends, and a request with that key would
    -- wait: so only a day after it has expired, when no client repeats a request with it any more.
    DELETE FROM tenancy_private.idempotency_keys AS expired
    WHERE (expired.tenant_id, expired.idempotency_key) IN (
        SELECT candidate.tenant_id, candidate.idempotency_key
        FROM tenancy_private.idempotency_keys AS candidate
        WHERE candidate.created_at < now() - interval '48 hours'
        ORDER BY candidate.created_at
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    );

    -- Another transaction with the same key is waited for here.
    INSERT INTO tenancy_private.idempotency_keys AS request
        (tenant_id, idempotency_key, request_hash)
    VALUES
        (caller, $1, $2)
    ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE
    SET request_hash = EXCLUDED.request_hash,
        answer = NULL,
        created_at = EXCLUDED.created_at
    WHERE request.created_at < now() - interval '24 hours';
    is_new := FOUND;

    SELECT request.request_hash = $2, request.answer
    INTO is_same, answer
    FROM tenancy_private.idempotency_keys AS request
    WHERE request.tenant_id = caller
      AND request.idempotency_key = $1;
END
$function$;
COMMENT ON FUNCTION tenancy.begin_request(text,bytea) IS 'Claims an Idempotency-Key, or returns the answer stored under it.';

CREATE FUNCTION tenancy.finish_request(idempotency_key text, answer jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    UPDATE tenancy_private.idempotency_keys AS request
    SET answer = $2
    WHERE request.tenant_id = tenancy_private.caller_tenant_id()
      AND request.idempotency_key = $1
      AND request.answer IS NULL;
END
$function$;
COMMENT ON FUNCTION tenancy.finish_request(text,jsonb) IS 'Stores the answer under the key that begin_request claimed.';

CREATE FUNCTION tenancy_private.record_row_event()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
    organization CONSTANT uuid   := coalesce(NEW.organization_id, OLD.organization_id);
    left_out     CONSTANT text[] := ARRAY['organization_id', 'tenant_id'] || TG_ARGV;
BEGIN
    -- A role that policies bind needed a token for this change. If the context has none now, or one of another
    -- organisation, the statement itself has put it there: the event would name the wrong caller.
    IF session_user IN ('tenancy_api', 'tenancy_operator')
        AND access_token.role IS DISTINCT FROM 'platform_operator'
        AND access_token.organization_id IS DISTINCT FROM organization
    THEN
        RAISE EXCEPTION 'the context has changed since the access token was checked'
        USING ERRCODE = 'invalid_authorization_specification';
    END IF;

    IF session_user IN ('tenancy_api', 'tenancy_operator') AND NOT access_token.may_write THEN
        RAISE EXCEPTION 'the access token is read-only'
        USING ERRCODE = 'MT002';
    END IF;

    INSERT INTO tenancy.tenant_events (
        organization_id, tenant_id, table_name, event_type, old_values, new_values,
        token_id, token_label, actor_tenant_id, database_role, request_id,
        operator_token_id, operator_label
    )
    VALUES (
        organization,
        coalesce(NEW.tenant_id, OLD.tenant_id),
        TG_TABLE_NAME,
        CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END
            ::tenancy.tenant_event_type,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - left_out END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - left_out END,
        access_token.token_id,
        access_token.label,
        access_token.tenant_id,
        session_user,
        nullif(current_setting('app.request_id', true), ''),
        access_token.operator_token_id,
        access_token.operator_label
    );
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tenancy_private.record_row_event() IS 'Adds an event; arguments name the columns that it leaves out.';

CREATE FUNCTION tenancy_private.forget_the_expired(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    expired  integer;
    revoked  integer;
    answers  integer;
    moved    integer;
BEGIN
    -- What another transaction works on is left for the next time.
    DELETE FROM tenancy_private.access_tokens AS dead
    WHERE dead.token_hash IN (
        SELECT candidate.token_hash
        FROM tenancy_private.access_tokens AS candidate
        WHERE candidate.expires_at < now() - interval '30 days'
        ORDER BY candidate.expires_at
        LIMIT at_most
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS expired = ROW_COUNT;

    DELETE FROM tenancy_private.access_tokens AS dead
    WHERE dead.token_hash IN (
        SELECT candidate.token_hash
        FROM tenancy_private.access_tokens AS candidate
        WHERE candidate.revoked_at < now() - interval '30 days'
        ORDER BY candidate.revoked_at
        LIMIT at_most
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS revoked = ROW_COUNT;

    -- As in begin_request: a day after it has expired no client repeats a request with the key any more.
    DELETE FROM tenancy_private.idempotency_keys AS old
    WHERE (old.tenant_id, old.idempotency_key) IN (
        SELECT candidate.tenant_id, candidate.idempotency_key
        FROM tenancy_private.idempotency_keys AS candidate
        WHERE candidate.created_at < now() - interval '48 hours'
        ORDER BY candidate.created_at
        LIMIT at_most
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS answers = ROW_COUNT;

    DELETE FROM tenancy_private.moved_tokens AS gone
    WHERE gone.token_hash IN (
        SELECT candidate.token_hash
        FROM tenancy_private.moved_tokens AS candidate
        WHERE candidate.expires_at < now()
        ORDER BY candidate.expires_at
        LIMIT at_most
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN expired + revoked + answers + moved;
END
$function$;

CREATE FUNCTION tenancy.issue_tenant_token(
    token_hash bytea,
    organization_id uuid,
    tenant_id uuid,
    label text,
    lifetime interval
)
 RETURNS tenancy.issued_token
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT tenancy_private.forget_the_expired(10) AS forget_the_expired;
 INSERT INTO tenancy_private.access_tokens AS token (token_hash, role, organization_id, tenant_id, label, expires_at)
   VALUES (issue_tenant_token.token_hash, 'tenant'::tenancy_private.token_role, issue_tenant_token.organization_id, issue_tenant_token.tenant_id, issue_tenant_token.label, (now() + issue_tenant_token.lifetime))
   RETURNING token.token_id,
     (token.role)::text AS role,
     token.organization_id,
     token.tenant_id,
     token.label,
     token.created_at,
     token.expires_at,
     token.revoked_at;
END;

CREATE FUNCTION tenancy.issue_platform_operator_token(token_hash bytea, label text, lifetime interval)
 RETURNS tenancy.issued_token
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT tenancy_private.forget_the_expired(10) AS forget_the_expired;
 INSERT INTO tenancy_private.access_tokens AS token (token_hash, role, label, expires_at)
   VALUES (issue_platform_operator_token.token_hash, 'platform_operator'::tenancy_private.token_role, issue_platform_operator_token.label, (now() + issue_platform_operator_token.lifetime))
   RETURNING token.token_id,
     (token.role)::text AS role,
     token.organization_id,
     token.tenant_id,
     token.label,
     token.created_at,
     token.expires_at,
     token.revoked_at;
END;

CREATE FUNCTION tenancy.purge_tokens(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT tenancy_private.forget_the_expired(at_most) AS forget_the_expired;
END;

CREATE FUNCTION tenancy.list_tokens(also_dead boolean, at_most integer)
 RETURNS SETOF tenancy.issued_token
 LANGUAGE sql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT token.token_id,
     (token.role)::text AS role,
     token.organization_id,
     token.tenant_id,
     token.label,
     token.created_at,
     token.expires_at,
     token.revoked_at
    FROM tenancy_private.access_tokens token
   WHERE (list_tokens.also_dead OR ((token.revoked_at IS NULL) AND (token.expires_at > now())))
   ORDER BY token.token_id DESC
  LIMIT list_tokens.at_most;
END;

CREATE PROCEDURE tenancy_private.create_reach_policy(
    IN table_name regclass,
    IN policy_name name,
    IN verb text,
    IN role_name regrole
)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $procedure$
DECLARE
    reach   CONSTANT text := CASE role_name::text
        WHEN 'tenancy_api' THEN '
            (JSON_OBJECT(organization_id: 1, tenant_id: 1 RETURNING jsonb))
                [(SELECT tenancy.%1$I()::text)] IS NOT NULL
            AND organization_id = ANY (ARRAY[(SELECT tenancy.%2$I())])
            AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
            AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
            AND tenancy.policies_come_first()
        '
        WHEN 'tenancy_platform' THEN '
            (SELECT tenancy.%3$I()) IS NOT NULL
            AND organization_id >= ANY (ARRAY[(SELECT tenancy.%3$I())])
            AND tenancy.policies_come_first()
        '
    END;
    to_read  CONSTANT text := format(
        reach, 'current_tenant_id', 'current_organization_id', 'first_organization_id_in_reach'
    );
    to_write CONSTANT text := format(
        reach, 'writable_tenant_id', 'writable_organization_id', 'first_writable_organization_id'
    );
BEGIN
    IF reach IS NULL THEN
        RAISE EXCEPTION '% has no reach', role_name
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Use tenancy_api or tenancy_platform.';
    END IF;
    EXECUTE format(
        'CREATE POLICY %I ON %s FOR %s TO %s%s%s',
        policy_name,
        table_name,
        verb,
        role_name,
        CASE verb WHEN 'SELECT' THEN format(' USING (%s)', to_read)
                  WHEN 'UPDATE' THEN format(' USING (%s)', to_write)
                  WHEN 'DELETE' THEN format(' USING (%s)', to_write) END,
        CASE verb WHEN 'INSERT' THEN format(' WITH CHECK (%s)', to_write)
                  WHEN 'UPDATE' THEN format(' WITH CHECK (%s)', to_read) END
    );
END
$procedure$;
COMMENT ON PROCEDURE tenancy_private.create_reach_policy(regclass,name,text,regrole) IS 'Creates a policy whose condition is the reach of the role''s caller. The condition stands here only.';

CREATE PROCEDURE tenancy.protect_tenant_table(
    IN table_name regclass,
    IN insert_columns text[] DEFAULT '{}'::text[],
    IN update_columns text[] DEFAULT '{}'::text[],
    IN may_delete boolean DEFAULT false
)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $procedure$
DECLARE
    key           CONSTANT text[] := ARRAY['organization_id', 'tenant_id'];
    relation_name CONSTANT text   := (SELECT class.relname FROM pg_class AS class WHERE class.oid = table_name);
    statement     text;
BEGIN
    IF update_columns && key THEN
        RAISE EXCEPTION 'the key of % may not be updated', table_name
        USING ERRCODE = 'invalid_parameter_value', HINT = 'A row never moves to another tenant.';
    END IF;

    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_name);

    -- The row type, and what the planner would sample: columns, and expressions of indexes.
    FOR statement IN
        SELECT format('REVOKE USAGE ON TYPE %s FROM PUBLIC', class.reltype::regtype)
        FROM pg_class AS class
        WHERE class.oid = table_name
        UNION ALL
        SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', table_name, attribute.attname)
        FROM pg_attribute AS attribute
        WHERE attribute.attrelid = table_name
          AND attribute.attnum > 0
          AND NOT attribute.attisdropped
        UNION ALL
        SELECT format(
            'ALTER INDEX %s ALTER COLUMN %s SET STATISTICS 0', index.indexrelid::regclass, part.number
        )
        FROM pg_index AS index
        CROSS JOIN generate_series(1, index.indnkeyatts) AS part (number)
        WHERE index.indrelid = table_name
          AND index.indkey[part.number - 1] = 0
    LOOP
        EXECUTE statement;
    END LOOP;

    -- For each verb that is granted two policies, and those before the grant.
    CALL tenancy_private.create_reach_policy(
        table_name, 'a_tenant_sees_rows_of_itself_and_its_subsidiaries', 'SELECT', 'tenancy_api'
    );
    CALL tenancy_private.create_reach_policy(
        table_name, 'a_platform_operator_sees_all_rows', 'SELECT', 'tenancy_platform'
    );
    EXECUTE format('GRANT SELECT ON %s TO tenancy_api, tenancy_platform', table_name);
    IF cardinality(insert_columns) > 0 THEN
        CALL tenancy_private.create_reach_policy(
            table_name, 'a_tenant_adds_rows_to_itself_and_its_subsidiaries', 'INSERT', 'tenancy_api'
        );
        CALL tenancy_private.create_reach_policy(
            table_name, 'a_platform_operator_adds_any_row', 'INSERT', 'tenancy_platform'
        );
        EXECUTE format(
            'GRANT INSERT (%s) ON %s TO tenancy_api, tenancy_platform',
            (
                SELECT string_agg(DISTINCT quote_ident(allowed.column_name), ', ')
                FROM unnest(key || insert_columns) AS allowed (column_name)
            ),
            table_name
        );
    END IF;
    IF cardinality(update_columns) > 0 THEN
        CALL tenancy_private.create_reach_policy(
            table_name, 'a_tenant_updates_rows_of_itself_and_its_subsidiaries', 'UPDATE', 'tenancy_api'
        );
        CALL tenancy_private.create_reach_policy(
            table_name, 'a_platform_operator_updates_all_rows', 'UPDATE', 'tenancy_platform'
        );
        EXECUTE format(
            'GRANT UPDATE (%s) ON %s TO tenancy_api, tenancy_platform',
            (
                SELECT string_agg(DISTINCT quote_ident(allowed.column_name), ', ')
                FROM unnest(update_columns) AS allowed (column_name)
            ),
            table_name
        );
    END IF;
    IF may_delete THEN
        CALL tenancy_private.create_reach_policy(
            table_name, 'a_tenant_deletes_rows_of_itself_and_its_subsidiaries', 'DELETE', 'tenancy_api'
        );
        CALL tenancy_private.create_reach_policy(
            table_name, 'a_platform_operator_deletes_any_row', 'DELETE', 'tenancy_platform'
        );
        EXECUTE format('GRANT DELETE ON %s TO tenancy_api, tenancy_platform', table_name);
    END IF;

    EXECUTE format(
        'CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s'
        ' FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event()',
        relation_name || '_record_event',
        table_name
    );
    EXECUTE format(
        'CREATE TRIGGER %I BEFORE TRUNCATE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.refuse_truncation()',
        relation_name || '_refuse_truncation',
        table_name
    );
END
$procedure$;
COMMENT ON PROCEDURE tenancy.protect_tenant_table(regclass,text[],text[],boolean) IS 'For migrations: row level security, policies, grants and audit trail of a table of tenants'' rows.';

CREATE PROCEDURE tenancy.unprotect_tenant_table(IN table_name regclass)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $procedure$
DECLARE
    statement text;
BEGIN
    -- The grants first: at no moment does the service reach the table without its policies.
    EXECUTE format('REVOKE ALL ON %s FROM tenancy_api, tenancy_platform', table_name);
    FOR statement IN
        SELECT format('DROP TRIGGER %I ON %s', trigger.tgname, table_name)
        FROM pg_trigger AS trigger
        WHERE trigger.tgrelid = table_name
          AND trigger.tgfoid::regproc::text IN (
              'tenancy_private.record_row_event', 'tenancy_private.refuse_truncation'
          )
        UNION ALL
        SELECT format('DROP POLICY %I ON %s', policy.polname, table_name)
        FROM pg_policy AS policy
        WHERE policy.polrelid = table_name
          AND policy.polroles::regrole[]::text[] <@ ARRAY['tenancy_api', 'tenancy_platform']
    LOOP
        EXECUTE statement;
    END LOOP;
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', table_name);
END
$procedure$;
COMMENT ON PROCEDURE tenancy.unprotect_tenant_table(regclass) IS 'For migrations: undoes protect_tenant_table.';

CREATE FUNCTION tenancy_private.fill_in_organization()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    NEW.organization_id := coalesce(NEW.parent_tenant_id, NEW.tenant_id);
    RETURN NEW;
END
$function$;

CREATE FUNCTION tenancy.policies_come_first()
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    IF current_setting('cpu_operator_cost') <> '0' THEN
        PERFORM set_config('cpu_operator_cost', '0', true);
    END IF;
    RETURN true;
END
$function$;
COMMENT ON FUNCTION tenancy.policies_come_first() IS 'Sets cpu_operator_cost = 0 while a statement is planned, so that its conditions come after the policies.';

CREATE FUNCTION tenancy_private.follow_access_token(presented_hash bytea)
 RETURNS void
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    server_label text;
BEGIN
    SELECT moved.server
    INTO server_label
    FROM tenancy_private.moved_tokens AS moved
    WHERE moved.token_hash = presented_hash
      AND moved.expires_at > clock_timestamp();

    IF FOUND THEN
        RAISE EXCEPTION 'the organisation has moved to another server'
        USING ERRCODE = 'MT001', DETAIL = server_label;
    END IF;

    IF EXISTS (
        SELECT
        FROM tenancy_private.access_tokens AS token
        WHERE token.token_hash = presented_hash
          AND token.revoked_at = 'infinity'
          AND token.expires_at > clock_timestamp()
    ) THEN
        RAISE EXCEPTION 'the organisation is moving to this server'
        USING ERRCODE = 'operator_intervention';
    END IF;
END
$function$;
COMMENT ON FUNCTION tenancy_private.follow_access_token(bytea) IS 'Error MT001 for a token whose organisation moved, 57000 for one whose organisation is arriving.';

CREATE FUNCTION tenancy_private.refuse_while_moving()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    IF clock_timestamp() < TG_ARGV[0]::timestamptz THEN
        RAISE EXCEPTION 'the organisation is moving to another server'
        USING ERRCODE = 'operator_intervention', HINT = 'Repeat the statement in a second.';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION tenancy_private.refuse_while_moving() IS 'Refuses writes until the time in the trigger''s argument.';

CREATE FUNCTION tenancy.writable_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF NOT access_token.may_write THEN
        RAISE EXCEPTION 'the access token is read-only'
        USING ERRCODE = 'MT002';
    END IF;
    RETURN access_token.tenant_id;
END
$function$;
COMMENT ON FUNCTION tenancy.writable_tenant_id() IS 'The tenant of the presented token; error MT002 if the token is read-only.';

CREATE FUNCTION tenancy.writable_organization_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF NOT access_token.may_write THEN
        RAISE EXCEPTION 'the access token is read-only'
        USING ERRCODE = 'MT002';
    END IF;
    RETURN access_token.organization_id;
END
$function$;
COMMENT ON FUNCTION tenancy.writable_organization_id() IS 'The organisation of the presented token; error MT002 if the token is read-only.';

CREATE FUNCTION tenancy.first_writable_organization_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF NOT access_token.may_write THEN
        RAISE EXCEPTION 'the access token is read-only'
        USING ERRCODE = 'MT002';
    END IF;
    RETURN CASE WHEN access_token.role = 'platform_operator' THEN '00000000-0000-0000-0000-000000000000'::uuid END;
END
$function$;
COMMENT ON FUNCTION tenancy.first_writable_organization_id() IS 'The nil UUID for a platform operator, otherwise NULL; error MT002 if the token is read-only.';

CREATE FUNCTION tenancy_private.as_record(token tenancy_private.access_tokens)
 RETURNS tenancy.token_record
 LANGUAGE sql
 STABLE PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ROW((token).token_id, ((token).role)::text, (token).organization_id, (token).tenant_id, (token).label, (token).created_at, (token).expires_at, (token).revoked_at, (token).may_write, (token).operator_token_id, (token).operator_label)::tenancy.token_record;

CREATE FUNCTION tenancy.issue_view_token(
    token_hash bytea,
    organization_id uuid,
    tenant_id uuid,
    label text,
    lifetime interval,
    may_write boolean
)
 RETURNS tenancy.token_record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    operator tenancy_private.access_tokens := tenancy_private.current_access_token();
    issued   tenancy_private.access_tokens;
BEGIN
    IF operator.role IS DISTINCT FROM 'platform_operator' THEN
        RAISE EXCEPTION 'the access token is not a platform operator''s'
        USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    IF may_write AND NOT operator.may_write THEN
        RAISE EXCEPTION 'the access token is read-only'
        USING ERRCODE = 'MT002';
    END IF;

    -- A revocation or rotation that began is waited for; one that begins now waits, and ends this token, too.
    SELECT token.*
    INTO operator
    FROM tenancy_private.access_tokens AS token
    WHERE token.token_hash = operator.token_hash
      AND token.revoked_at IS NULL
      AND token.expires_at > clock_timestamp()
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the access token is not valid'
        USING ERRCODE = 'invalid_authorization_specification';
    END IF;

    PERFORM tenancy_private.forget_the_expired(10);
    INSERT INTO tenancy_private.access_tokens AS token (
        token_hash, role, organization_id, tenant_id, label, expires_at, may_write,
        operator_token_id, operator_label
    )
    VALUES (
        $1, 'tenant', $2, $3, $4, least(now() + least($5, interval '12 hours'), operator.expires_at), $6,
        operator.token_id, operator.label
    )
    RETURNING token.* INTO issued;

    INSERT INTO tenancy.tenant_events (
        organization_id, tenant_id, table_name, event_type, new_values, token_id, token_label,
        database_role, request_id, operator_token_id, operator_label
    )
    VALUES (
        $2,
        $3,
        'access_tokens',
        'created',
        jsonb_build_object(
            'token_id', issued.token_id,
            'label', issued.label,
            'may_write', issued.may_write,
            'expires_at', issued.expires_at
        ),
        operator.token_id,
        operator.label,
        session_user,
        nullif(current_setting('app.request_id', true), ''),
        operator.token_id,
        operator.label
    );
    RETURN tenancy_private.as_record(issued);
END
$function$;
COMMENT ON FUNCTION tenancy.issue_view_token(bytea,uuid,uuid,text,interval,boolean) IS 'Issues a tenant''s token to the platform operator in the context, and records that in the tenant''s trail.';

CREATE FUNCTION tenancy.issue_tenant_token(
    token_hash bytea,
    organization_id uuid,
    tenant_id uuid,
    label text,
    lifetime interval,
    may_write boolean
)
 RETURNS tenancy.token_record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    issued tenancy_private.access_tokens;
BEGIN
    PERFORM tenancy_private.forget_the_expired(10);
    INSERT INTO tenancy_private.access_tokens AS token
        (token_hash, role, organization_id, tenant_id, label, expires_at, may_write)
    VALUES
        ($1, 'tenant', $2, $3, $4, now() + $5, $6)
    RETURNING token.* INTO issued;
    RETURN tenancy_private.as_record(issued);
END
$function$;
COMMENT ON FUNCTION tenancy.issue_tenant_token(bytea,uuid,uuid,text,interval,boolean) IS 'Issues a token of a tenant.';

CREATE FUNCTION tenancy.issue_platform_operator_token(
    token_hash bytea,
    label text,
    lifetime interval,
    may_write boolean
)
 RETURNS tenancy.token_record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    issued tenancy_private.access_tokens;
BEGIN
    PERFORM tenancy_private.forget_the_expired(10);
    INSERT INTO tenancy_private.access_tokens AS token
        (token_hash, role, label, expires_at, may_write)
    VALUES
        ($1, 'platform_operator', $2, now() + $3, $4)
    RETURNING token.* INTO issued;
    RETURN tenancy_private.as_record(issued);
END
$function$;
COMMENT ON FUNCTION tenancy.issue_platform_operator_token(bytea,text,interval,boolean) IS 'Issues a token that reaches every tenant.';

CREATE FUNCTION tenancy.rotate_token(token_id uuid, token_hash bytea, lifetime interval, grace interval)
 RETURNS tenancy.token_record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    former tenancy_private.access_tokens;
    issued tenancy_private.access_tokens;
BEGIN
    UPDATE tenancy_private.access_tokens AS token
    SET expires_at = least(token.expires_at, now() + $4)
    WHERE token.token_id = $1
      AND token.revoked_at IS NULL
      AND token.expires_at > clock_timestamp()
      AND token.operator_token_id IS NULL
    RETURNING token.* INTO former;

    -- Its view tokens end with it, also where their organisation has moved to. A statement of its own: it sees
    -- those issued until the first one had its lock.
    UPDATE tenancy_private.access_tokens AS token
    SET expires_at = now() + $4
    WHERE token.operator_token_id = $1
      AND token.expires_at > now() + $4;
    IF former.token_id IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM tenancy_private.forget_the_expired(10);
    INSERT INTO tenancy_private.access_tokens AS token
        (token_hash, role, organization_id, tenant_id, label, expires_at, may_write)
    VALUES
        ($2, former.role, former.organization_id, former.tenant_id, former.label, now() + $3, former.may_write)
    RETURNING token.* INTO issued;
    RETURN tenancy_private.as_record(issued);
END
$function$;
COMMENT ON FUNCTION tenancy.rotate_token(uuid,bytea,interval,interval) IS 'Issues a successor of a valid token, which then ends after the grace period; NULL for any other token.';

CREATE FUNCTION tenancy.list_tokens(
    organization_id uuid,
    tenant_id uuid,
    also_dead boolean,
    at_most integer,
    before uuid
)
 RETURNS SETOF tenancy.token_record
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
AS $function$
DECLARE
    lowest  CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    highest CONSTANT uuid := coalesce(before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
BEGIN
    IF tenant_id IS NOT NULL THEN
        RETURN QUERY
        SELECT record.*
        FROM tenancy_private.access_tokens AS token
        CROSS JOIN LATERAL tenancy_private.as_record(token) AS record
        WHERE (token.organization_id, token.tenant_id, token.token_id) < ($1, $2, highest)
          AND (token.organization_id, token.tenant_id, token.token_id) >= ($1, $2, lowest)
          AND CASE WHEN token.revoked_at IS NULL AND token.expires_at > now() THEN true ELSE $3 END
        ORDER BY token.organization_id DESC, token.tenant_id DESC, token.token_id DESC
        LIMIT $4;
    ELSIF organization_id IS NOT NULL THEN
        RETURN QUERY
        SELECT record.*
        FROM tenancy_private.access_tokens AS token
        CROSS JOIN LATERAL tenancy_private.as_record(token) AS record
        WHERE (token.organization_id, token.token_id) < ($1, highest)
          AND (token.organization_id, token.token_id) >= ($1, lowest)
          AND CASE WHEN token.revoked_at IS NULL AND token.expires_at > now() THEN true ELSE $3 END
        ORDER BY token.organization_id DESC, token.token_id DESC
        LIMIT $4;
    ELSE
        RETURN QUERY
        SELECT record.*
        FROM tenancy_private.access_tokens AS token
        CROSS JOIN LATERAL tenancy_private.as_record(token) AS record
        WHERE token.token_id < highest
          AND CASE WHEN token.revoked_at IS NULL AND token.expires_at > now() THEN true ELSE $3 END
        ORDER BY token.token_id DESC
        LIMIT $4;
    END IF;
END
$function$;
COMMENT ON FUNCTION tenancy.list_tokens(uuid,uuid,boolean,integer,uuid) IS 'Lists the newest tokens, of one organisation or tenant, before an id; NULL for no limit.';

CREATE FUNCTION tenancy.revoke_tokens(organization_id uuid, tenant_id uuid)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    revoked bigint;
BEGIN
    UPDATE tenancy_private.access_tokens AS token
    SET revoked_at = clock_timestamp()
    WHERE token.organization_id = $1
      AND (token.tenant_id = $2 OR $2 IS NULL)
      AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity')
      AND token.expires_at > now();
    GET DIAGNOSTICS revoked = ROW_COUNT;
    RETURN revoked;
END
$function$;
COMMENT ON FUNCTION tenancy.revoke_tokens(uuid,uuid) IS 'Revokes the valid tokens of a tenant, or without one of the whole organisation.';

CREATE FUNCTION tenancy_private.find_quota(organization_id uuid)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    maximum integer;
BEGIN
    SELECT quota.max_subsidiaries
    INTO maximum
    FROM tenancy_private.quotas AS quota
    WHERE quota.organization_id = $1;

    IF NOT FOUND THEN
        SELECT quota.max_subsidiaries
        INTO maximum
        FROM tenancy_private.quotas AS quota
        WHERE quota.organization_id IS NULL;
    END IF;
    RETURN maximum;
END
$function$;
COMMENT ON FUNCTION tenancy_private.find_quota(uuid) IS 'The quota that applies to an organisation; NULL for none.';

CREATE FUNCTION tenancy.has_quota(organization_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    RETURN coalesce(access_token.role = 'platform_operator' OR access_token.organization_id = $1, false)
       AND tenancy_private.find_quota($1) IS NOT NULL;
END
$function$;
COMMENT ON FUNCTION tenancy.has_quota(uuid) IS 'Whether a quota applies; false for an organisation that is not the caller''s.';

CREATE FUNCTION tenancy.max_subsidiaries(organization_id uuid)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
BEGIN
    IF access_token.role IS DISTINCT FROM 'platform_operator'
        AND (access_token.organization_id = $1) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'an organisation''s quota is shown to its tenants and to platform operators'
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN tenancy_private.find_quota($1);
END
$function$;
COMMENT ON FUNCTION tenancy.max_subsidiaries(uuid) IS 'The quota that applies; NULL for none. Error 42501 for an organisation that is not the caller''s.';

CREATE FUNCTION tenancy.set_quota(organization_id uuid, max_subsidiaries integer)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO tenancy_private.quotas (organization_id, max_subsidiaries)
   VALUES (set_quota.organization_id, set_quota.max_subsidiaries) ON CONFLICT(organization_id) DO UPDATE SET max_subsidiaries = excluded.max_subsidiaries;
END;

CREATE FUNCTION tenancy.remove_quota(organization_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    DELETE FROM tenancy_private.quotas AS quota
    WHERE quota.organization_id IS NOT DISTINCT FROM $1;
    RETURN FOUND;
END
$function$;

CREATE FUNCTION tenancy.list_quotas(OUT organization_id uuid, OUT max_subsidiaries integer)
 RETURNS SETOF record
 LANGUAGE sql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT quota.organization_id,
     quota.max_subsidiaries
    FROM tenancy_private.quotas quota
   ORDER BY quota.organization_id NULLS FIRST;
END;

CREATE FUNCTION tenancy_private.wait_for_creations()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    -- What the caller does not reach is not locked, and refused by the policies.
    IF tenancy.has_quota(NEW.parent_tenant_id) THEN
        PERFORM
        FROM tenancy.tenants AS parent
        WHERE parent.organization_id = NEW.parent_tenant_id
          AND parent.tenant_id = NEW.parent_tenant_id
        FOR NO KEY UPDATE;
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION tenancy_private.wait_for_creations() IS 'Has the creations of an organisation with a quota wait for each other, before they hold a name.';

CREATE FUNCTION tenancy_private.keep_quotas()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    organization uuid;
    maximum      integer;
BEGIN
    IF NOT row_security_active('tenancy.tenants') THEN
        RETURN NULL;
    END IF;

    FOR organization IN
        SELECT DISTINCT added.organization_id
        FROM added
        WHERE added.parent_tenant_id IS NOT NULL
        ORDER BY added.organization_id
    LOOP
        maximum := tenancy.max_subsidiaries(organization);
        CONTINUE WHEN maximum IS NULL;

        -- A caller that reaches the parent reaches the whole organisation. If this one does not, the statement
        -- itself has changed the token or the role, and the count would be too low.
        PERFORM
        FROM tenancy.tenants AS parent
        WHERE parent.organization_id = organization
          AND parent.tenant_id = organization
        FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the context has changed since the access token was checked'
            USING ERRCODE = 'invalid_authorization_specification';
        END IF;

        PERFORM
        FROM tenancy.tenants AS subsidiary
        WHERE subsidiary.organization_id = organization
          AND subsidiary.parent_tenant_id = organization
        OFFSET maximum
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the organisation may have at most % subsidiaries', maximum
            USING ERRCODE = 'MT003', DETAIL = maximum;
        END IF;
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tenancy_private.keep_quotas() IS 'Error MT003 for more subsidiaries than the quota. Sessions that bypass the policies are not limited.';

CREATE FUNCTION tenancy_private.remember_organization()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO tenancy_private.organizations_of_tenants (organization_id, tenant_id)
    VALUES (NEW.organization_id, NEW.tenant_id);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tenancy_private.remember_organization() IS 'Adds a new tenant to organizations_of_tenants; its trigger is enabled while `mtdb table` has work under way.';

CREATE FUNCTION tenancy_private.look_up_organization()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    NEW.organization_id := (
        SELECT known.organization_id
        FROM tenancy_private.organizations_of_tenants AS known
        WHERE known.tenant_id = NEW.tenant_id
    );
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION tenancy_private.look_up_organization() IS 'Sets organization_id to that of the tenant, NULL for no tenant. For triggers that `mtdb table` creates.';

CREATE FUNCTION tenancy.reach_in_shadow()
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    lowest       CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    highest      CONSTANT uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    access_token tenancy_private.access_tokens;
BEGIN
    IF coalesce(current_setting('app.current_tenant', true), '') = '' THEN
        RETURN NULL;
    END IF;
    access_token := tenancy_private.current_access_token();
    RETURN CASE
        WHEN access_token.role = 'platform_operator' THEN
            ARRAY[lowest, highest, lowest, highest]
        WHEN access_token.tenant_id = access_token.organization_id THEN
            ARRAY[access_token.organization_id, access_token.organization_id, lowest, highest]
        ELSE
            ARRAY[
                access_token.organization_id, access_token.organization_id,
                access_token.tenant_id, access_token.tenant_id
            ]
    END;
EXCEPTION
    WHEN invalid_authorization_specification OR invalid_transaction_state OR SQLSTATE 'MT001' THEN
        RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tenancy.reach_in_shadow() IS 'First and last organisation, first and last tenant that the presented token reaches; NULL without one.';

CREATE FUNCTION tenancy.passes_in_shadow(setting text, table_name regclass, verb text)
 RETURNS boolean
 LANGUAGE plpgsql
 PARALLEL RESTRICTED
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    RAISE LOG 'row level security would % a row of %',
        CASE verb WHEN 'INSERT' THEN 'refuse' ELSE 'hide' END, table_name
    USING ERRCODE = 'MT004', DETAIL = format(
        '%s by role %s, with %s.',
        verb,
        current_user,
        CASE
            WHEN tenancy.reach_in_shadow() IS NULL THEN 'no valid access token'
            ELSE 'an access token of another tenant'
        END
    );
    PERFORM set_config(setting, date_part('epoch', statement_timestamp())::text, false);
    RETURN true;
END
$function$;
COMMENT ON FUNCTION tenancy.passes_in_shadow(text,regclass,text) IS 'Always true; logs that policies would hide or refuse a row, and notes the time in a setting of the session.';


-- Triggers ----------------------------------------------------------------------------------------------------------

CREATE TRIGGER tenants_fill_in_organization BEFORE INSERT ON tenancy.tenants
FOR EACH ROW WHEN (new.organization_id IS NULL)
EXECUTE FUNCTION tenancy_private.fill_in_organization();
ALTER TABLE tenancy.tenants ENABLE ALWAYS TRIGGER tenants_fill_in_organization;

CREATE TRIGGER tenants_keep_quotas AFTER INSERT ON tenancy.tenants REFERENCING NEW TABLE AS added
FOR EACH STATEMENT
EXECUTE FUNCTION tenancy_private.keep_quotas();

CREATE TRIGGER tenants_record_event AFTER INSERT OR DELETE OR UPDATE ON tenancy.tenants
FOR EACH ROW
EXECUTE FUNCTION tenancy_private.record_row_event('created_at', 'updated_at');

CREATE TRIGGER tenants_refuse_truncation BEFORE TRUNCATE ON tenancy.tenants
FOR EACH STATEMENT
EXECUTE FUNCTION tenancy_private.refuse_truncation();

CREATE TRIGGER tenants_remember_organization AFTER INSERT ON tenancy.tenants
FOR EACH ROW
EXECUTE FUNCTION tenancy_private.remember_organization();
ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_remember_organization;

CREATE TRIGGER tenants_stamp_update BEFORE UPDATE ON tenancy.tenants
FOR EACH ROW
EXECUTE FUNCTION tenancy.stamp_update();

CREATE TRIGGER tenants_wait_for_creations BEFORE INSERT ON tenancy.tenants
FOR EACH ROW WHEN (new.parent_tenant_id IS NOT NULL)
EXECUTE FUNCTION tenancy_private.wait_for_creations();


-- Policies ----------------------------------------------------------------------------------------------------------

CREATE POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants
FOR SELECT TO tenancy_api
USING (
    (JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))[(SELECT (tenancy.current_tenant_id())::text)] IS NOT NULL
    AND organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
    AND tenancy.policies_come_first()
);

CREATE POLICY a_parent_adds_subsidiaries_under_itself ON tenancy.tenants
FOR INSERT TO tenancy_api
WITH CHECK (
    organization_id = (SELECT tenancy.writable_organization_id())
    AND parent_tenant_id = (SELECT tenancy.writable_tenant_id())
);

CREATE POLICY a_tenant_updates_itself_and_its_subsidiaries ON tenancy.tenants
FOR UPDATE TO tenancy_api
USING (
    (JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))[(SELECT (tenancy.writable_tenant_id())::text)] IS NOT NULL
    AND organization_id = ANY (ARRAY[(SELECT tenancy.writable_organization_id())])
    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
    AND tenancy.policies_come_first()
)
WITH CHECK (
    (JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))[(SELECT (tenancy.current_tenant_id())::text)] IS NOT NULL
    AND organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
    AND tenancy.policies_come_first()
);

CREATE POLICY a_parent_deletes_its_subsidiaries ON tenancy.tenants
FOR DELETE TO tenancy_api
USING (
    (JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))[(SELECT (tenancy.writable_tenant_id())::text)] IS NOT NULL
    AND organization_id = ANY (ARRAY[(SELECT tenancy.writable_organization_id())])
    AND parent_tenant_id = ANY (ARRAY[(SELECT tenancy.writable_tenant_id())])
    AND tenancy.policies_come_first()
);

CREATE POLICY a_platform_operator_sees_all ON tenancy.tenants
FOR SELECT TO tenancy_platform
USING (
    (SELECT tenancy.first_organization_id_in_reach()) IS NOT NULL
    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])
    AND tenancy.policies_come_first()
);

CREATE POLICY a_platform_operator_adds_any ON tenancy.tenants
FOR INSERT TO tenancy_platform
WITH CHECK ((SELECT tenancy.first_writable_organization_id()) IS NOT NULL);

CREATE POLICY a_platform_operator_updates_all ON tenancy.tenants
FOR UPDATE TO tenancy_platform
USING (
    (SELECT tenancy.first_writable_organization_id()) IS NOT NULL
    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_writable_organization_id())])
    AND tenancy.policies_come_first()
)
WITH CHECK ((SELECT tenancy.is_platform_operator()));

CREATE POLICY a_platform_operator_deletes_any ON tenancy.tenants
FOR DELETE TO tenancy_platform
USING (
    (SELECT tenancy.first_writable_organization_id()) IS NOT NULL
    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_writable_organization_id())])
    AND tenancy.policies_come_first()
);

CREATE POLICY a_tenant_sees_events_of_itself_and_its_subsidiaries ON tenancy.tenant_events
FOR SELECT TO tenancy_api
USING (
    (JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))[(SELECT (tenancy.current_tenant_id())::text)] IS NOT NULL
    AND organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
    AND tenancy.policies_come_first()
);

CREATE POLICY the_trigger_adds_events ON tenancy.tenant_events
FOR INSERT TO tenancy_owner
WITH CHECK (true);

CREATE POLICY a_platform_operator_sees_all_events ON tenancy.tenant_events
FOR SELECT TO tenancy_platform
USING (
    (SELECT tenancy.first_organization_id_in_reach()) IS NOT NULL
    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])
    AND tenancy.policies_come_first()
);

CREATE POLICY only_the_owner_reaches_tokens ON tenancy_private.access_tokens
FOR ALL TO tenancy_owner
USING (true)
WITH CHECK (true);

CREATE POLICY only_the_owner_reaches_requests ON tenancy_private.idempotency_keys
FOR ALL TO tenancy_owner
USING (true)
WITH CHECK (true);

CREATE POLICY only_the_owner_reaches_moved_tokens ON tenancy_private.moved_tokens
FOR ALL TO tenancy_owner
USING (true)
WITH CHECK (true);

CREATE POLICY only_the_owner_reaches_organizations_of_tenants ON tenancy_private.organizations_of_tenants
FOR ALL TO tenancy_owner
USING (true)
WITH CHECK (true);

CREATE POLICY only_the_owner_reaches_quotas ON tenancy_private.quotas
FOR ALL TO tenancy_owner
USING (true)
WITH CHECK (true);


-- Grants ------------------------------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA tenancy TO tenancy_api, tenancy_platform, tenancy_operator;

REVOKE USAGE ON TYPE public.compatible_revisions FROM PUBLIC;
GRANT SELECT ON TABLE public.compatible_revisions TO tenancy_api;
REVOKE ALL ON TABLE tenancy.tenant_events FROM tenancy_owner;
GRANT INSERT ON TABLE tenancy.tenant_events TO tenancy_owner;
REVOKE USAGE ON TYPE tenancy.tenant_events FROM PUBLIC;
GRANT SELECT ON TABLE tenancy.tenant_events TO tenancy_api, tenancy_platform;
REVOKE USAGE ON TYPE tenancy.tenants FROM PUBLIC;
GRANT SELECT, DELETE, UPDATE (metadata, name), INSERT (metadata, name, parent_tenant_id, tenant_type) ON TABLE tenancy.tenants TO tenancy_api, tenancy_platform;
REVOKE USAGE ON TYPE tenancy_private.access_tokens FROM PUBLIC;
REVOKE USAGE ON TYPE tenancy_private.idempotency_keys FROM PUBLIC;
REVOKE USAGE ON TYPE tenancy_private.moved_tokens FROM PUBLIC;
REVOKE USAGE ON TYPE tenancy_private.organizations_of_tenants FROM PUBLIC;
REVOKE USAGE ON TYPE tenancy_private.quotas FROM PUBLIC;

GRANT EXECUTE ON FUNCTION tenancy.begin_request(text,bytea) TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.current_organization_id() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.current_tenant_id() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.finish_request(text,jsonb) TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.first_organization_id_in_reach() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.first_tenant_id_in_reach() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.first_writable_organization_id() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.has_quota(uuid) TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.is_platform_operator() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.issue_platform_operator_token(bytea,text,interval) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.issue_platform_operator_token(bytea,text,interval,boolean) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.issue_tenant_token(bytea,uuid,uuid,text,interval) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.issue_tenant_token(bytea,uuid,uuid,text,interval,boolean) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.issue_view_token(bytea,uuid,uuid,text,interval,boolean) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.last_tenant_id_in_reach() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.list_quotas() TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.list_tokens() TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.list_tokens(boolean,integer) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.list_tokens(uuid,uuid,boolean,integer,uuid) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.max_subsidiaries(uuid) TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.policies_come_first() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.purge_tokens(integer) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.remove_quota(uuid) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.revoke_token(uuid) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.revoke_tokens(uuid,uuid) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.rotate_token(uuid,bytea,interval,interval) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.set_quota(uuid,integer) TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.sign_in(text,text) TO tenancy_api, tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.uuid_v7() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.writable_organization_id() TO tenancy_api, tenancy_platform;
GRANT EXECUTE ON FUNCTION tenancy.writable_tenant_id() TO tenancy_api, tenancy_platform;
