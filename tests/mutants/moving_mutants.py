"""Defects of moving an organisation to another server."""

from tests.mutants.mutant import Mutant

COMPARED = ("moving/test_moves.py::test_the_copy_is_compared_before_the_switch",)

MOVING_MUTANTS = (
    Mutant(
        "tokens are valid on the target before the switch",
        ("moving/test_attack_moves.py::test_the_copy_before_the_switch",),
        file="moving/copying.py",
        old="coalesce($12::timestamptz, 'infinity')",
        new="$12::timestamptz",
    ),
    Mutant(
        "the switch ignores the end of the pause",
        ("moving/test_interrupted_moves.py::test_a_pause_that_is_too_short_ends",),
        file="moving/switch.py",
        old="SELECT clock_timestamp() >= $1",
        new="SELECT clock_timestamp() IS NULL OR $1::timestamptz IS NULL",
    ),
    Mutant(
        "rows left on the source can be written",
        ("moving/test_attack_moves.py::test_the_rows_left_after_the_switch",),
        file="moving/freezing.py",
        old='FOREVER = "infinity"',
        new='FOREVER = "-infinity"',
    ),
    Mutant(
        "changes after the first comparison are not compared",
        COMPARED,
        file="moving/comparison.py",
        old="    AND NOT pg_visible_in_snapshot(",
        new="    AND false AND NOT pg_visible_in_snapshot(",
    ),
    Mutant(
        "foreign keys are not checked",
        ("moving/test_moves.py::test_references_are_checked",),
        file="moving/catalogue.py",
        old="if await connection.fetchval(query, organization_id, *arguments):",
        new="if not query:",
    ),
    Mutant(
        "a token revoked during the copy is not copied again",
        ("moving/test_moves.py::test_tokens_and_tenants_change_during_the_copy",),
        file="moving/copying.py",
        old="          OR revoked_at >= $2\n",
        new="",
    ),
    Mutant(
        "a view that ends during the copy is not copied again",
        ("moving/test_moves.py::test_tokens_and_tenants_change_during_the_copy",),
        file="moving/copying.py",
        old="          OR operator_token_id IS NOT NULL\n",
        new="",
    ),
    Mutant(
        "a token rotated during the copy keeps its end",
        ("moving/test_moves.py::test_tokens_and_tenants_change_during_the_copy",),
        file="moving/copying.py",
        old=", expires_at = EXCLUDED.expires_at",
        new="",
    ),
    Mutant(
        "a move back forgets that the tokens are here",
        ("moving/test_moves.py::test_it_moves_back_with_old_and_new_tokens",),
        file="moving/switch.py",
        old="        await move.target.execute(FORGET_EARLIER_MOVE, move.organization_id)\n",
        new="",
    ),
    Mutant(
        "undoing leaves the copy",
        ("moving/test_interrupted_moves.py::test_a_move_killed_before_the_switch",),
        file="moving/moving.py",
        old="    await delete_rows(move.target, move.tables, move.organization_id)\n",
        new="",
    ),
)
