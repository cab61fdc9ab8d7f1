"""The judge itself, compared with the table of policies in judge.py."""

from uuid import UUID

import pytest

from tests.security.model.action import Action
from tests.security.model.judge import deletable, judge, may_insert, recognize, visible
from tests.security.model.key_judge import KeyVerdict, judge_key, key_owner
from tests.security.model.kind import Kind
from tests.security.model.model_caller import ModelCaller
from tests.security.model.model_request import ModelRequest, Owner
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.model_token import ModelToken
from tests.security.model.verb import Verb

HSBC, HONG_KONG, LONDON, BARCLAYS = (UUID(int=number) for number in range(1, 5))
BANKS = {
    HSBC: ModelTenant(None, "HSBC", 0),
    HONG_KONG: ModelTenant(HSBC, "Hong Kong", 0),
    LONDON: ModelTenant(HSBC, "London", 0),
    BARCLAYS: ModelTenant(None, "Barclays", 0),
}
ALL_TENANTS = set(BANKS)
OPERATOR, UNAUTHENTICATED = ModelCaller(Kind.OPERATOR), ModelCaller(Kind.UNAUTHENTICATED)
PARENT, SUBSIDIARY = ModelCaller(Kind.PARENT, HSBC), ModelCaller(Kind.SUBSIDIARY, LONDON)

TABLE: tuple[tuple[ModelCaller, set[UUID], set[UUID | None], set[UUID]], ...] = (
    (OPERATOR, ALL_TENANTS, {None, *ALL_TENANTS}, ALL_TENANTS),
    (PARENT, {HSBC, HONG_KONG, LONDON}, {HSBC}, {HONG_KONG, LONDON}),
    (SUBSIDIARY, {LONDON}, set(), set()),
    (UNAUTHENTICATED, set(), set(), set()),
)


@pytest.mark.parametrize(("caller", "sees", "inserts_under", "deletes"), TABLE, ids=[row[0].kind for row in TABLE])
def test_each_row_of_the_table(
    caller: ModelCaller, sees: set[UUID], inserts_under: set[UUID | None], deletes: set[UUID]
) -> None:
    """A caller sees, inserts and deletes what its row of judge.py's table says."""
    assert visible(BANKS, caller) == sees
    assert {parent_id for parent_id in (None, *ALL_TENANTS) if may_insert(caller, parent_id)} == inserts_under
    assert deletable(BANKS, caller) == deletes


@pytest.mark.parametrize(
    ("token", "as_platform", "caller"),
    [
        (ModelToken("", "operator"), True, OPERATOR),
        (ModelToken("", "operator"), False, UNAUTHENTICATED),
        (ModelToken("", HSBC), False, PARENT),
        (ModelToken("", HSBC), True, UNAUTHENTICATED),
        (ModelToken("", LONDON), False, SUBSIDIARY),
        (ModelToken("", LONDON, dead=True), False, ModelCaller(Kind.UNAUTHENTICATED, bad_token=True)),
        (ModelToken("", UUID(int=9)), False, ModelCaller(Kind.UNAUTHENTICATED, bad_token=True)),
        (None, False, UNAUTHENTICATED),
        (None, True, UNAUTHENTICATED),
    ],
)
def test_a_caller_is_recognised(token: ModelToken | None, as_platform: bool, caller: ModelCaller) -> None:
    """A token authenticates only while it is live, its tenant exists and the role fits it."""
    assert recognize(BANKS, token, as_platform=as_platform) == caller


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (Action(Verb.DELETE, HSBC), "23503"),
        (Action(Verb.DELETE, HSBC, whole_organization=True), None),
        (Action(Verb.INSERT, parent_id=HSBC, name="London"), "23505"),
        (Action(Verb.INSERT, parent_id=BARCLAYS, name="London"), None),
        (Action(Verb.INSERT, parent_id=LONDON, name="City"), "23503"),
        (Action(Verb.INSERT, parent_id=None, name="City"), "23514"),
        (Action(Verb.UPDATE, LONDON, name="Hong Kong"), "23505"),
        (Action(Verb.UPDATE, LONDON, name="London"), None),
    ],
)
def test_constraints_bind_an_operator_too(action: Action, error: str | None) -> None:
    """A platform operator, too, leaves no orphan, adds no third level and gives no name twice."""
    assert judge(BANKS, OPERATOR, action).error == error


def test_an_update_raises_the_version_and_only_where_it_is_the_expected_one() -> None:
    """A write to a stale version finds nothing; the others of the organisation keep theirs."""
    written = judge(BANKS, PARENT, Action(Verb.UPDATE, LONDON, version=1, note=5))
    assert written.forest == {**BANKS, LONDON: ModelTenant(HSBC, "London", 5, version=2)}
    assert judge(written.forest, PARENT, Action(Verb.UPDATE, LONDON, version=1, note=6)).forest == written.forest


@pytest.mark.parametrize(
    ("token", "owner"),
    [
        (ModelToken("", "operator"), "operator"),
        (ModelToken("", LONDON), LONDON),
        (ModelToken("", HSBC, dead=True), None),
        (ModelToken("", UUID(int=9)), None),
        (None, None),
    ],
)
def test_a_key_belongs_to_the_tenant_that_uses_it(token: ModelToken | None, owner: Owner | None) -> None:
    """Operators share their keys, a tenant's keys are its own, and without a live token there are none."""
    assert key_owner(BANKS, token) == owner


@pytest.mark.parametrize(
    ("owner", "asked", "verdict"),
    [
        (HSBC, "London", KeyVerdict.SAME),
        (HSBC, "Paris", KeyVerdict.OTHER),
        (LONDON, "London", KeyVerdict.NEW),
        (BARCLAYS, "London", KeyVerdict.NEW),
        ("operator", "London", KeyVerdict.NEW),
    ],
)
def test_a_key_stands_for_its_owners_first_request(owner: Owner, asked: str, verdict: KeyVerdict) -> None:
    """A key that only another owner has used is new, whatever it was used for."""
    assert judge_key({(HSBC, "key"): ModelRequest(("London",))}, (owner, "key"), (asked,)) == verdict
