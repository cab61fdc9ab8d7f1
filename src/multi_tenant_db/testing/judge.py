"""Judges the outcome of a trial."""

from collections.abc import Sequence
from uuid import UUID

from multi_tenant_db.testing.expectation import Expectation
from multi_tenant_db.testing.isolation_caller import IsolationCaller
from multi_tenant_db.testing.outcome import Outcome
from multi_tenant_db.testing.trial import Trial

SAME_VALUE_TWICE = ("23505", "23503", "23P01")
"""Constraints that may refuse a statement on all rows in reach, where there are several."""


def judge(
    trial: Trial, caller: IsolationCaller, outcome: Outcome, rows_in_reach: int, owners: dict[UUID, str]
) -> str | None:
    """Return what the caller reached beyond its reach, None if nothing. `owners` names the tenants of the test."""
    if outcome.is_refusal:
        return None
    if outcome.sqlstate:
        is_own = trial.expects is Expectation.COUNT_IN_REACH and rows_in_reach > 1
        return None if is_own and outcome.sqlstate in SAME_VALUE_TWICE else _late(trial, outcome)
    what: str | None = None
    if trial.expects is Expectation.ROWS_IN_REACH:
        what = _beyond_reach(caller, outcome.rows, owners)
    elif trial.expects is Expectation.REFUSAL:
        what = f"was not refused on {_aim(trial)}"
    elif trial.expects is Expectation.NO_ROW and outcome.affected:
        what = f"reached {_aim(trial)}"
    elif trial.expects is Expectation.COUNT_IN_REACH and outcome.affected > rows_in_reach:
        what = f"reached {outcome.affected} rows, of which {rows_in_reach} are within its reach"
    return what


def _late(trial: Trial, outcome: Outcome) -> str:
    if outcome.was_left_to_the_trigger:
        return f"reached {_aim(trial)}; only the trigger of the audit trail refused it, no policy"
    return f"got past the policies to {_aim(trial)}: error {outcome.sqlstate}, {outcome.message}"


def _aim(trial: Trial) -> str:
    return f"a row of {trial.victim}" if trial.victim else "the table"


def _beyond_reach(caller: IsolationCaller, rows: Sequence[Sequence[object]], owners: dict[UUID, str]) -> str | None:
    foreign = {UUID(str(tenant_id)) for _, tenant_id in rows}
    foreign = {tenant_id for tenant_id in foreign if not caller.may_reach(tenant_id)}
    if not foreign:
        return None
    known = sorted(owners[tenant_id] for tenant_id in foreign if tenant_id in owners)
    return f"reached rows of {', '.join(known[:2]) or 'tenants of other tests'}, {len(foreign)} tenants in all"
