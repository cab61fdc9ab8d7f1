"""Defects of the code: mistakes of a programmer."""

from tests.mutants.mutant import Mutant

TENANTS = "repositories/tenant_repository.py"
STATEMENTS = "repositories/tenant_statements.py"
SERVICE = "services/tenant_service.py"
CREATION = "services/idempotent_creation.py"
REFUSALS = "repositories/constraint_errors.py"
CONTEXT = "http/request_context.py"
OVER_HTTP = "integration/test_policies_over_http.py::"
PRECONDITIONS = "writes/test_preconditions.py::"
HIDDEN = ("integration/test_hidden_is_absent.py::test_a_hidden_tenant_answers_as_an_absent_one",)

CODE_MUTANTS = (
    Mutant(
        "every deletion cascades",
        ("integration/test_delete_tenant.py::test_subsidiaries_stop_the_deletion_of_their_parent",),
        file=TENANTS,
        old="statements.REMOVE_ORGANIZATION if cascade else statements.REMOVE",
        new="statements.REMOVE_ORGANIZATION",
    ),
    Mutant(
        "If-Match is ignored on PUT",
        ("integration/test_replace_tenant.py::test_a_stale_tag_stops_the_change",),
        file=STATEMENTS,
        old=".where(_IS_SOUGHT, _FULFILS_CONDITION)",
        new=".where(_IS_SOUGHT, or_(_FULFILS_CONDITION, _IS_SOUGHT))",
    ),
    Mutant(
        "If-Match is ignored on DELETE",
        ("integration/test_delete_tenant.py::test_any_other_tag_stops_the_deletion",),
        file=STATEMENTS,
        old="    .where(_IS_SOUGHT, _FULFILS_CONDITION, ~_subs",
        new="    .where(_IS_SOUGHT, or_(_FULFILS_CONDITION, _IS_SOUGHT), ~_subs",
    ),
    Mutant(
        "If-None-Match is ignored on writing",
        (f"{PRECONDITIONS}test_writing_under_a_condition",),
        file=STATEMENTS,
        old="Tenant.version != all_(",
        new="Tenant.version - Tenant.version != all_(",
    ),
    Mutant(
        "pages overlap",
        ("integration/test_list_tenants.py::test_pages_of_any_size_show_everything_once",),
        file=STATEMENTS,
        old="tuple_(*KEY) > ",
        new="tuple_(*KEY) >= ",
    ),
    Mutant(
        "a later page starts with the organisation",
        ("security/test_plans_of_reads.py::test_a_read_is_an_index_scan_of_what_it_returns",),
        file=STATEMENTS,
        old='case((_IS_OWN, _LAST["tenant_id"])',
        new='case((~_IS_OWN, _LAST["tenant_id"])',
    ),
    Mutant(
        "If-Match is ignored on a cascading DELETE",
        ("integration/test_delete_tenant.py::test_a_cascade_on_a_stale_tag_deletes_nothing",),
        file=STATEMENTS,
        old="or_(~_IS_SOUGHT, _FULFILS_CONDITION)",
        new="or_(~_IS_SOUGHT, _IS_SOUGHT)",
    ),
    Mutant(
        "a page shows one tenant too many",
        ("integration/test_list_tenants.py::test_pages_of_any_size_show_everything_once",),
        file=SERVICE,
        old="return tenants[:limit],",
        new="return tenants,",
    ),
    Mutant(
        "a stale and a hidden tenant are told apart",
        HIDDEN,
        file=SERVICE,
        old="            await self.get_tenant(tenant_id)\n            raise PreconditionFailed",
        new="            raise PreconditionFailed",
    ),
    Mutant(
        "a hidden tenant is forbidden, not absent",
        HIDDEN,
        file=SERVICE,
        old="            raise TenantNotFound",
        new="            raise OperationNotPermitted",
    ),
    Mutant(
        "a refused insert is a defect",
        (f"{OVER_HTTP}test_inserts",),
        file=REFUSALS,
        old='INSUFFICIENT_PRIVILEGE = "42501"',
        new='INSUFFICIENT_PRIVILEGE = "00000"',
    ),
    Mutant(
        "a taken name is a defect",
        ("integration/test_create_tenant.py::test_a_name_is_unique_inside_its_organization",),
        file=REFUSALS,
        old='"tenants_name_unique_in_organization"',
        new='"another"',
    ),
    Mutant(
        "the log holds the request's headers",
        ("integration/test_logs.py::test_no_line_knows_a_secret",),
        file=CONTEXT,
        old='method=scope["method"],',
        new='method=scope["method"] + str(scope["headers"]),',
    ),
    Mutant(
        "a client's request id is taken as it is",
        ("integration/test_problems.py::test_any_other_request_id_is_replaced",),
        file=CONTEXT,
        old="if WELL_FORMED_ID.fullmatch(given)",
        new="if given",
    ),
    Mutant(
        "an answer may be kept by a cache",
        ("integration/test_problems.py::test_no_such_path",),
        file=CONTEXT,
        old='(b"cache-control", b"private, no-cache")',
        new='(b"cache-control", b"public")',
    ),
    Mutant(
        "a superuser may run the service",
        ("security/test_catalogue_lint.py::test_a_breach_is_named",),
        file="lint/connection.py",
        old="          AND role.rolsuper\n",
        new="          AND false\n",
    ),
    Mutant(
        "a table without FORCE is safe",
        ("security/test_catalogue_lint.py::test_a_breach_is_named",),
        file="lint/tables.py",
        old="AND NOT class.relforcerowsecurity",
        new="AND NOT class.relrowsecurity",
    ),
    Mutant(
        "an idempotency key stands for anything",
        ("writes/test_idempotent_creation.py::test_another_body_is_refused",),
        file="repositories/request_repository.py",
        old="if not is_same:",
        new="if False:",
    ),
    Mutant(
        "a repeated creation is carried out again",
        ("security/model/test_model_keys.py::test_a_key_belongs_to_its_user",),
        file=CREATION,
        old="if stored is not None:",
        new="if False:",
    ),
    Mutant(
        "the answer to a creation is not remembered",
        ("security/model/test_model_keys.py::test_a_key_belongs_to_its_user",),
        file=CREATION,
        old="await self._requests.finish(",
        new="str(",
    ),
    Mutant(
        "unknown members are ignored",
        ("integration/test_replace_tenant.py::test_a_bad_body_changes_nothing",),
        file="schemas/tenant_update.py",
        old='extra="forbid"',
        new='extra="ignore"',
    ),
    Mutant(
        "a body may have any size",
        ("http/test_strict_json_request.py::test_a_body_is_counted_whatever_its_length_is_said_to_be",),
        file="http/strict_json_request.py",
        old="                if len(body) > max_bytes:",
        new="                if False:",
    ),
    Mutant(
        "a token is stored as it is",
        ("identity/test_access_token.py::test_the_hash_is_sha_256_of_the_whole_token",),
        file="identity/access_token.py",
        old="hashlib.sha256(token.encode()).digest()",
        new="token.encode()[:32]",
    ),
)
