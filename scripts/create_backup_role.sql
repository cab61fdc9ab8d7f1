-- The role for backups. It is the only role that bypasses row level security, which applies even to the tables' owner,
-- so only the backup may use its password. Run this script as a superuser, in the service's database, and then set the
-- password. psql sends it as a verifier: the server's log never contains it.
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
