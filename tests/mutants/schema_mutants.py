"""Defects of tables and grants: mistakes of an administrator."""

from tests.mutants.mutant import Mutant

REFUSED = "security/test_refused_statements.py::"
CONSTRAINTS = "security/test_constraints.py::"
STATISTICS = "security/test_attack_statistics.py::"
PLANNER = "security/test_attack_planner.py::"
NOTHING_OF_THE_SCHEMA = (f"{REFUSED}test_no_role_changes_or_shadows_the_schema",)

FILLED_IN = (f"{CONSTRAINTS}test_the_database_fills_in_the_organisation",)

SCHEMA_MUTANTS = (
    Mutant(
        "the platform's rights are inherited",
        ("security/test_grants.py::test_the_memberships_are_exactly_these",),
        "GRANT tenancy_platform TO tenancy_api WITH INHERIT TRUE",
    ),
    Mutant(
        "the service issues tokens",
        (f"{REFUSED}test_each_role_keeps_to_its_own_work",),
        "GRANT EXECUTE ON FUNCTION tenancy.issue_platform_operator_token(bytea, text, interval) TO tenancy_api",
    ),
    Mutant(
        "the service may read the tokens",
        (f"{REFUSED}test_the_private_schema_is_closed",),
        "GRANT USAGE ON SCHEMA tenancy_private TO tenancy_api;"
        " GRANT SELECT ON tenancy_private.access_tokens TO tenancy_api",
    ),
    Mutant(
        "PUBLIC may call the verification",
        (f"{REFUSED}test_the_private_schema_is_closed",),
        "GRANT USAGE ON SCHEMA tenancy_private TO PUBLIC;"
        " GRANT EXECUTE ON FUNCTION tenancy_private.current_access_token() TO PUBLIC",
    ),
    Mutant(
        "a tenant moves to another parent",
        (f"{REFUSED}test_what_never_changes_cannot_be_updated",),
        "GRANT UPDATE (parent_tenant_id) ON tenancy.tenants TO tenancy_api",
    ),
    Mutant(
        "a client changes versions",
        (f"{REFUSED}test_what_never_changes_cannot_be_updated",),
        "GRANT UPDATE (version) ON tenancy.tenants TO tenancy_api",
    ),
    Mutant(
        "a client chooses ids",
        (f"{REFUSED}test_what_the_database_chooses_cannot_be_inserted",),
        "GRANT INSERT (tenant_id) ON tenancy.tenants TO tenancy_api",
    ),
    Mutant(
        "a client names the organisation",
        (f"{REFUSED}test_what_the_database_chooses_cannot_be_inserted",),
        "GRANT INSERT (organization_id) ON tenancy.tenants TO tenancy_api",
    ),
    Mutant(
        "a tenant moves to another organisation",
        (f"{REFUSED}test_what_never_changes_cannot_be_updated",),
        "GRANT UPDATE (organization_id) ON tenancy.tenants TO tenancy_api",
    ),
    Mutant(
        "any organisation is stored",
        (f"{CONSTRAINTS}test_a_wrong_organisation_is_not_stored",),
        "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_organization_follows_from_the_parent",
    ),
    Mutant(
        "the organisation is not filled in",
        FILLED_IN,
        "DROP TRIGGER tenants_fill_in_organization ON tenancy.tenants",
    ),
    Mutant(
        "a wrong organisation is corrected, not refused",
        (f"{CONSTRAINTS}test_a_wrong_organisation_is_not_stored",),
        """
        CREATE OR REPLACE TRIGGER tenants_fill_in_organization BEFORE INSERT ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy_private.fill_in_organization()
        """,
    ),
    Mutant("TRUNCATE for the service", NOTHING_OF_THE_SCHEMA, "GRANT TRUNCATE ON tenancy.tenants TO tenancy_api"),
    Mutant(
        "temporary tables for PUBLIC",
        NOTHING_OF_THE_SCHEMA,
        "DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO PUBLIC', current_database()); END $$",
    ),
    Mutant("PUBLIC may create tables", NOTHING_OF_THE_SCHEMA, "GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC"),
    Mutant("DO blocks for PUBLIC", NOTHING_OF_THE_SCHEMA, "GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC"),
    Mutant(
        "new functions are granted to PUBLIC",
        ("security/test_grants.py::test_new_functions_and_types_give_public_nothing",),
        "ALTER DEFAULT PRIVILEGES FOR ROLE tenancy_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
    ),
    Mutant(
        "a function is left to the superuser",
        ("security/test_grants.py::test_every_object_belongs_to_the_owner",),
        "ALTER FUNCTION tenancy_private.current_access_token() OWNER TO CURRENT_USER",
    ),
    Mutant(
        "events may be deleted",
        ("security/test_attack_records.py::test_the_audit_trail",),
        "GRANT DELETE ON tenancy.tenant_events TO tenancy_api",
    ),
    Mutant(
        "the owner may rewrite events",
        ("writes/test_audit_trail_in_sql.py::test_the_owner_may_only_add",),
        "GRANT UPDATE ON tenancy.tenant_events TO tenancy_owner",
    ),
    Mutant(
        "changes leave no event",
        ("writes/test_audit_trail_in_sql.py::test_every_row_of_a_statement_is_recorded",),
        "DROP TRIGGER tenants_record_event ON tenancy.tenants",
    ),
    Mutant(
        "an event leaves the name out",
        ("writes/test_audit_trail_in_sql.py::test_what_is_rolled_back_leaves_nothing",),
        """
        CREATE OR REPLACE TRIGGER tenants_record_event AFTER INSERT OR UPDATE OR DELETE ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event('created_at', 'updated_at', 'name')
        """,
    ),
    Mutant(
        "updates leave the version",
        (f"{CONSTRAINTS}test_every_update_is_stamped",),
        "DROP TRIGGER tenants_stamp_update ON tenancy.tenants",
    ),
    Mutant(
        "names are unique across organisations",
        ("security/test_attack_side_channels.py::test_a_name_that_a_stranger_uses",),
        "ALTER TABLE tenancy.tenants ADD UNIQUE (name)",
    ),
    Mutant(
        "names are not unique at all",
        (f"{CONSTRAINTS}test_names_are_unique_inside_an_organisation_only",),
        "DROP INDEX tenancy.tenants_name_unique_in_organization",
    ),
    Mutant(
        "no foreign key to the parent",
        (f"{CONSTRAINTS}test_a_parent_must_exist",),
        "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_parent_fkey",
    ),
    Mutant(
        "a tenant may be its own parent",
        (f"{CONSTRAINTS}test_a_tenant_is_not_its_own_parent",),
        "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_parent_is_another_tenant",
    ),
    Mutant(
        "a parent may have a parent",
        (f"{CONSTRAINTS}test_the_type_tells_whether_there_is_a_parent",),
        "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_subsidiary_has_a_parent_and_a_parent_has_none",
    ),
    Mutant(
        "metadata of any size",
        (f"{CONSTRAINTS}test_metadata_is_an_object_of_bounded_size",),
        "ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_metadata_size",
    ),
    Mutant(
        "tokens outlive their tenant",
        ("security/test_policies_in_sql.py::test_without_a_token_nothing_is_read_or_written",),
        "ALTER TABLE tenancy_private.access_tokens DROP CONSTRAINT access_tokens_tenant_fkey",
    ),
    Mutant(
        "names are indexed as they are",
        (f"{PLANNER}test_how_many_rows_an_index_found",),
        """
        DROP INDEX tenancy.tenants_name_unique_in_organization;
        CREATE UNIQUE INDEX tenants_name_unique_in_organization ON tenancy.tenants (organization_id, name)
        """,
    ),
    Mutant(
        "ids are indexed without their organisation",
        (f"{PLANNER}test_how_many_rows_an_index_found",),
        """
        DROP INDEX tenancy.tenants_tenant_id;
        CREATE INDEX tenants_tenant_id ON tenancy.tenants (tenant_id)
        """,
    ),
    Mutant(
        "the planner samples names",
        (f"{STATISTICS}test_any_statistic_at_all", f"{PLANNER}test_what_the_planner_expects"),
        "ALTER TABLE tenancy.tenants ALTER COLUMN name SET STATISTICS 100",
    ),
    Mutant(
        "the planner samples the index of names",
        (f"{STATISTICS}test_any_statistic_at_all",),
        "ALTER INDEX tenancy.tenants_name_unique_in_organization ALTER COLUMN 2 SET STATISTICS 100",
    ),
    Mutant(
        "the planner samples ids",
        (f"{STATISTICS}test_the_live_end_of_an_index",),
        "ALTER TABLE tenancy.tenants ALTER COLUMN tenant_id SET STATISTICS 100",
    ),
    Mutant(
        "the planner samples names together with versions",
        (f"{STATISTICS}test_any_statistic_at_all",),
        "CREATE STATISTICS tenancy.names (mcv) ON name, version FROM tenancy.tenants",
    ),
    Mutant(
        "the planner samples roles in events",
        (f"{STATISTICS}test_any_statistic_at_all",),
        "ALTER TABLE tenancy.tenant_events ALTER COLUMN database_role SET STATISTICS 100",
    ),
    Mutant(
        "a waiting writer moves the time back",
        (f"{CONSTRAINTS}test_updated_at_never_decreases",),
        """
        CREATE OR REPLACE FUNCTION tenancy.stamp_update() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN NEW.version := OLD.version + 1; NEW.updated_at := now(); RETURN NEW; END $$
        """,
    ),
    Mutant(
        "changes are announced to listeners",
        ("security/test_attack_side_channels.py::test_listening",),
        """
        CREATE FUNCTION tenancy.announce() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN PERFORM pg_notify('tenants', NEW.name); RETURN NULL; END $$;
        CREATE TRIGGER tenants_announce AFTER UPDATE ON tenancy.tenants
        FOR EACH ROW EXECUTE FUNCTION tenancy.announce()
        """,
    ),
    Mutant(
        "numbers are drawn from a sequence",
        ("security/test_attack_side_channels.py::test_sequences",),
        "ALTER TABLE tenancy.tenants ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
    ),
)
