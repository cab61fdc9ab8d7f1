"""Defects of export, import, erasure, its certificate, and purges."""

from tests.mutants.mutant import Mutant

FORGED = ("records/test_bad_imports.py::test_a_damaged_or_forged_export_is_refused",)
REMAINS = ("records/test_verification.py::test_what_remains_is_found",)
SABOTAGED = ("records/test_verification.py::test_a_sabotaged_erasure_is_found",)

RECORDS_MUTANTS = (
    Mutant(
        "the certificate ignores what was found",
        REMAINS,
        file="records/certification.py",
        old="not verification.remaining",
        new="bool(verification.columns)",
    ),
    Mutant(
        "the certificate is complete without a verification",
        ("records/test_cli_erase.py::test_a_failed_verification_is_no_success",),
        file="records/certification.py",
        old="verification is not None and not verification.remaining",
        new="not (verification and verification.remaining)",
    ),
    Mutant(
        "the verification does not wait for older transactions",
        ("security/test_attack_erasure.py::test_a_transaction_that_outlasts_the_erasure",),
        file="records/outlasting.py",
        old="while older:",
        new="while older and loop is None:",
    ),
    Mutant(
        "the verification waits only for transactions that have written",
        ("security/test_attack_erasure.py::test_a_transaction_that_does_not_end",),
        file="records/outlasting.py",
        old=" OR session.usename IN ('tenancy_api', 'tenancy_operator')",
        new="",
    ),
    Mutant(
        "names with quotes are not found in JSON",
        ("records/test_verification.py::test_names_that_a_format_escapes_are_told",),
        file="records/mentions.py",
        old="{form for name in names for form in _forms(name)}",
        new="set(names)",
    ),
    Mutant(
        "an import takes the id of platform operators",
        FORGED,
        file="records/importing.py",
        old="SELECT '{OPERATORS}' IN {ids}",
        new="SELECT '{OPERATORS}' IN {ids} AND false",
    ),
    Mutant(
        "an import doubles deferrable keys",
        ("records/test_deferred_keys.py::test_a_deferrable_key_is_not_stored_twice",),
        file="records/deferred_keys.py",
        old="if await connection.fetchval(duplicated):",
        new="if not duplicated:",
    ),
    Mutant(
        "an import takes over remembered answers",
        ("records/test_bad_imports.py::test_remembered_answers_of_a_deleted_tenant_are_not_taken_over",),
        file="records/importing.py",
        old='DELETE FROM {REQUESTS} WHERE tenant_id IN {ids}"',
        new='DELETE FROM {REQUESTS} WHERE tenant_id IN {ids} AND false"',
    ),
    Mutant(
        "the verification leaves materialised views out",
        REMAINS,
        file="records/verifying.py",
        old="class.relkind IN ('r', 'm', 'f')",
        new="class.relkind IN ('r', 'f')",
    ),
    Mutant(
        "the verification reads only tables of the schema tenancy",
        REMAINS,
        file="records/verifying.py",
        old="NOT IN ('pg_catalog', 'information_schema', 'pg_toast')",
        new="IN ('tenancy', 'tenancy_private')",
    ),
    Mutant(
        "the verification does not look inside texts",
        REMAINS,
        file="records/verifying.py",
        old='else mentions_an_id(f"own.{column}::text")',
        new='else "false"',
    ),
    Mutant(
        "the verification does not read what events say",
        SABOTAGED,
        file="records/verifying.py",
        old='("old_values, new_values", f"NOT ({IS_ERASED})")',
        new='("old_values, new_values", "false")',
    ),
    Mutant(
        "an erasure keeps the labels of its tokens",
        ("records/test_erasure.py::test_an_organisation_is_erased",),
        file="records/trail.py",
        old="coalesce(actor_tenant_id <> ALL ($1::uuid[]), true)",
        new="$1::uuid[] IS NOT NULL",
    ),
    Mutant(
        "an erasure forgets operators' remembered answers",
        ("records/test_erasure.py::test_an_organisation_is_erased",),
        file="records/erasure.py",
        old='       OR {mentions_an_id("request.answer::text")}\n',
        new="",
    ),
    Mutant(
        "an erasure does not lock the tenants",
        ("records/test_with_writers.py::test_a_row_added_meanwhile_is_erased_too",),
        file="records/erasure.py",
        old="ORDER BY tenant_id FOR UPDATE",
        new="ORDER BY tenant_id",
    ),
    Mutant(
        "an export is of several moments",
        ("records/test_export.py::test_an_export_is_of_one_moment",),
        file="records/export.py",
        old='isolation="repeatable_read"',
        new='isolation="read_committed"',
    ),
    Mutant(
        "credentials are exported",
        ("records/test_export.py::test_a_folder_has_every_table_and_no_credential",),
        file="records/catalogue.py",
        old='table_name.startswith(f"{PRIVATE}.")',
        new="table_name == PRIVATE",
    ),
    Mutant(
        "a file's checksum is not verified",
        FORGED,
        file="records/reading.py",
        old="if checksum.hexdigest() != entry.sha256:",
        new="if not checksum.hexdigest():",
    ),
    Mutant(
        "rows of another organisation are imported",
        FORGED,
        file="records/importing.py",
        old="if await connection.fetchval(foreign, str(value)):",
        new="if not foreign:",
    ),
    Mutant(
        "an import does not check foreign keys",
        FORGED,
        file="records/importing.py",
        old="        await _require_references(connection, scope)\n",
        new="",
    ),
    Mutant(
        "an import does not read what it has stored",
        FORGED,
        file="records/importing.py",
        old="if checksum.hexdigest != entry.sha256:",
        new="if not checksum.hexdigest:",
    ),
    Mutant(
        "a purge is recorded only at its first step",
        ("records/test_purge.py::test_an_interrupted_purge_has_counted",),
        file="records/purge.py",
        old="                await connection.execute(COUNT_MORE, owner, told, event_id)\n",
        new="                pass\n",
    ),
)
