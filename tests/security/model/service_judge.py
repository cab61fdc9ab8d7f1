"""The status that the service must answer with, derived from the judge's verdict."""

from tests.security.model.action import Action
from tests.security.model.forest import Forest
from tests.security.model.judge import HAS_SUBSIDIARIES, NAME_TAKEN, NO_SUCH_PARENT, NOT_PERMITTED, deletable, visible
from tests.security.model.kind import Kind
from tests.security.model.model_caller import ModelCaller
from tests.security.model.verb import Verb
from tests.security.model.verdict import Verdict

INSERT_STATUS = {None: 201, NOT_PERMITTED: 403, NAME_TAKEN: 409, NO_SUCH_PARENT: 422}
DONE = {Verb.SELECT: 200, Verb.UPDATE: 200, Verb.DELETE: 204}


def expected_status(forest: Forest, caller: ModelCaller, action: Action, verdict: Verdict) -> int:  # noqa: PLR0911 - a table
    """Return the status. What the caller may not see does not exist, whatever the verb.

    A stale If-Match counts only where the request would otherwise succeed; a DELETE's verdict is that without it.
    """
    if caller.kind is Kind.UNAUTHENTICATED:
        return 401
    if action.verb is Verb.INSERT:
        return INSERT_STATUS[verdict.error]
    if action.target is None:
        return 200
    if action.target not in visible(forest, caller):
        return 404
    if action.verb is Verb.DELETE and action.target not in deletable(forest, caller):
        return 403
    if action.verb is Verb.DELETE and verdict.error == HAS_SUBSIDIARIES:
        return 409
    if action.version not in (None, forest[action.target].version):
        return 412
    return 409 if verdict.error == NAME_TAKEN else DONE[action.verb]
