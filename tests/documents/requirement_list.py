"""The requirements, with the tests that show them. `make docs` writes `docs/reports/requirements.md` from this."""

from tests.documents.requirement import Requirement

FUNCTIONAL = [
    Requirement(
        "F1",
        "There are exactly six endpoints: one for health, five for tenants.",
        ("contract/test_openapi.py::test_there_are_exactly_six_endpoints",),
    ),
    Requirement(
        "F2",
        "Tenants can be created, read, listed, updated and deleted, and every input is validated.",
        (
            "integration/test_create_tenant.py::test_a_created_tenant_is_described_whole",
            "integration/test_list_tenants.py::test_pages_of_any_size_show_everything_once",
            "integration/test_replace_tenant.py::test_a_replacement_is_described_whole",
            "integration/test_delete_tenant.py::test_a_parent_deletes_a_subsidiary",
            "integration/test_create_tenant.py::test_every_mistake_is_named_at_once",
            "bad_input/test_catalogue.py",
        ),
    ),
    Requirement(
        "F3",
        "A parent reaches its subsidiaries, there are two levels, and no tenant reaches another organisation.",
        (
            "integration/test_policies_over_http.py::test_sees",
            "security/test_constraints.py::test_racing_transactions_build_no_third_level",
            "integration/test_hidden_is_absent.py::test_a_hidden_tenant_answers_as_an_absent_one",
        ),
    ),
    Requirement(
        "F4",
        "Deletion is safe: a cascade must be requested, and is complete or has no effect.",
        (
            "writes/test_deletion.py::test_a_refusal_says_how_many_stand_in_the_way",
            "writes/test_deletion.py::test_a_failure_in_the_middle_undoes_everything",
            "integration/test_delete_tenant.py::test_a_cascade_racing_with_creations_leaves_no_orphan",
        ),
    ),
    Requirement(
        "F5",
        "The health check reports the service and its database.",
        (
            "services/test_health_service.py",
            "integration/test_problems.py::test_health_without_a_database",
        ),
    ),
    Requirement(
        "F6",
        "Sample data works end to end: HSBC with Hong Kong and London, Barclays, and more institutions.",
        (
            "cli/test_cli_seed.py::test_seeding_tells_the_whole_story_once",
            "documents/test_commands.py::test_commands_print_what_the_document_shows",
            "contract/test_collection.py::test_the_flow_runs",
        ),
    ),
    Requirement(
        "F7",
        "Errors have one format; schemas have descriptions and examples; `/docs` shows the OpenAPI document.",
        (
            "contract/test_openapi.py::test_every_problem_has_a_valid_example",
            "contract/test_openapi.py::test_every_field_is_described_with_a_valid_example",
            "contract/browser/test_docs_page.py::test_a_newcomer_can_use_the_page",
        ),
    ),
]

SECURITY = [
    Requirement(
        "S1",
        "Row level security in the database isolates the tenants.",
        (
            "security/test_policies_in_sql.py::test_a_parent_sees_itself_and_its_subsidiaries",
            "security/test_policies_in_sql.py::test_without_a_token_nothing_is_read_or_written",
            "lint/test_safety_check.py::test_a_breach_in_the_catalogue_is_refused",
            "security/test_catalogue_lint.py",
        ),
    ),
    Requirement(
        "S2",
        "Application code cannot bypass it: not by a missing filter, a bug or SQL injection.",
        (
            "security/test_attack_context.py::test_set_to_a_tenant_id",
            "security/test_attack_statements.py::test_aimed_at_a_stranger",
            "security/test_grants.py::test_the_grants_are_exactly_these",
            "security/test_http_injection.py::test_text_in_a_body_stays_text",
        ),
    ),
    Requirement(
        "S3",
        "Nothing leaks across organisations: rows, counts, errors, timing, pooled connections, concurrency.",
        (
            "security/test_http_hidden_ids.py::test_hidden_ids_answer_like_absent_ids",
            "security/test_plans.py::test_own_foreign_and_absent_ids_take_the_same_plan",
            "security/test_attack_pooled_sessions.py::test_a_variable_left_behind",
            "security/test_time_leaks.py::test_a_real_service_in_a_storm",
            "security/test_attack_planner.py::test_what_the_planner_expects",
        ),
    ),
    Requirement(
        "S4",
        "Isolation is verified for every operation by a suite of attacks, with an audit report.",
        (
            "integration/test_policies_over_http.py::test_deletes",
            "security/model/test_model_exhaustive.py",
            "docs/reports/security-audit.md",
        ),
    ),
]

DATABASE = [
    Requirement(
        "D1",
        "PostgreSQL 17.5, every later 17.x, and 18.",
        (
            "lint/test_safety_check.py::test_a_server_without_the_last_fixes_is_warned_of",
            "lint/test_server_rules.py::test_each_release_has_its_findings",
            "development/test_embedded_postgres.py::test_it_is_the_release_asked_for",
        ),
    ),
    Requirement(
        "D2",
        "Foreign keys and constraints state the rules; indexes fit multi-tenant queries.",
        (
            "security/test_constraints.py::test_a_subsidiary_has_no_subsidiaries",
            "security/test_plans.py::test_a_page_is_a_scan_of_the_primary_key",
        ),
    ),
    Requirement(
        "D3",
        "Migrations have tested downgrades and state their changes.",
        (
            "migrations/test_steps_with_data.py::test_each_step_keeps_catalogue_and_rows",
            "migrations/test_migrations.py::test_every_migration_says_what_it_does",
        ),
    ),
    Requirement(
        "D4",
        "Connections and other resources are bounded.",
        (
            "limits/test_load_limits.py::test_an_exhausted_pool_is_waited_for_within_bounds",
            "database/test_connection_pool.py::test_waiting_callers_are_served_in_order",
        ),
    ),
]

QUALITY = [
    Requirement(
        "Q1",
        "Presentation, business and data are separate layers.",
        ("house_rules/test_architecture.py::test_imports_follow_the_layers",),
    ),
    Requirement(
        "Q2",
        "One class a file, at most 300 lines a file.",
        (
            "house_rules/test_files.py::test_a_file_holds_one_class_named_like_it",
            "house_rules/test_files.py::test_a_file_is_short",
        ),
    ),
    Requirement(
        "Q3",
        "Complete types under strict mypy, PEP 8, no lint findings, pre-commit hooks.",
        ("make check",),
    ),
    Requirement("Q4", "Unit, integration and migration tests; coverage of at least 90 %.", ("make test",)),
    Requirement(
        "Q5",
        "Public functions and classes have docstrings; comments explain what is not plain.",
        ("make check", "house_rules/test_files.py::test_a_test_says_what_it_shows"),
    ),
]

PERFORMANCE = [
    Requirement(
        "P1",
        "The 95th percentile with 100 or more concurrent requests is under 200 ms.",
        ("docs/reports/reliability.md", "docs/reports/performance.md"),
        measured=True,
    ),
    Requirement(
        "P2",
        "CRUD queries take less than 50 ms.",
        ("docs/reports/performance.md",),
        measured=True,
    ),
    Requirement(
        "P3",
        "The service needs less than 512 MB of memory.",
        ("docs/reports/reliability.md",),
        measured=True,
    ),
    Requirement(
        "P4",
        "A benchmark report, an indexing strategy, a tuned pool.",
        (
            "security/test_plans.py::test_a_platform_operators_page_is_a_scan_of_the_primary_key",
            "docs/reports/performance.md",
            "docs/explanation/performance.md",
            "docs/explanation/decisions/0002-reach-is-an-interval-of-the-key.md",
        ),
    ),
]

DEVELOPING = [
    Requirement("E1", "One command sets up and runs everything.", ("make up",)),
    Requirement(
        "E2",
        "The Makefile has every command, with hot reload, seeding and reset.",
        ("house_rules/test_documents.py::test_every_make_target_in_a_document_exists", "make help"),
    ),
    Requirement(
        "E3",
        "Newest stable versions; floors at Python 3.13, FastAPI 0.116.1, SQLAlchemy 2.0.41.",
        ("make test-floor",),
    ),
    Requirement(
        "E4",
        "A CI pipeline; version 1.0.0 with a changelog.",
        ("house_rules/test_version.py", ".github/workflows/ci.yml", "CHANGELOG.md"),
    ),
]

DOCUMENTS = [
    Requirement(
        "W1",
        "README, requirements, plan and status, architecture and its decisions, API guide, troubleshooting guide.",
        (
            "documents/test_commands.py::test_commands_print_what_the_document_shows",
            "docs/tutorial.md",
            "docs/explanation/plan-and-tests.md",
            "docs/explanation/architecture.md",
            "docs/how-to/troubleshooting.md",
        ),
    ),
    Requirement(
        "W2",
        "Test plan; security audit report and checklist; performance report.",
        ("docs/explanation/plan-and-tests.md", "docs/reports/security-audit.md", "docs/reports/performance.md"),
    ),
    Requirement(
        "W3",
        "Extended examples: institutions, usage scenarios, checklists for performance and security.",
        (
            "examples/test_scenarios.py::test_onboarding_can_be_repeated",
            "examples/test_accounts.py::test_every_caller_sees_the_accounts_in_its_reach",
            "docs/how-to/copy-the-pattern.md",
        ),
    ),
    Requirement(
        "W4",
        "A diagram of the schema, an API collection, a dashboard for monitoring.",
        (
            "documents/test_schema_diagram.py::test_the_diagram_is_that_of_the_database",
            "contract/test_collection.py",
            "observability/test_dashboard.py",
            "observability/test_alerts.py",
        ),
    ),
]

CHAPTERS = {
    "Functional": FUNCTIONAL,
    "Security": SECURITY,
    "Database": DATABASE,
    "Quality": QUALITY,
    "Performance": PERFORMANCE,
    "Developing with it": DEVELOPING,
    "Documents": DOCUMENTS,
}
