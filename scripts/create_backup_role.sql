-- The role that backups are made as. It alone steps around row level security, which binds even the owner of the tables, so
-- its password belongs to the backup and to nobody else. Run it as a superuser, in the service's database, and set the
-- password then, which psql sends as a verifier: the server's log never holds it.
--   psql -f scripts/create_backup_role.sql -c '\password tenancy_backup'

DO $backup$
BEGIN
    IF to_regrole('tenancy_backup') IS NULL THEN
        CREATE ROLE tenancy_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 2;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO tenancy_backup', current_database());
END
$backup$;

GRANT pg_read_all_data TO tenancy_backup;
ALTER ROLE tenancy_backup SET default_transaction_read_only = on;
