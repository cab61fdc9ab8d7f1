"""Moves organisations from the fullest to the emptiest servers."""

from bisect import bisect_right
from operator import itemgetter

from benchmarks.placement.fleet import Fleet

Moves = tuple[int, float]
"""Number of moved organisations, and of their rows."""


def rebalance(fleet: Fleet, bound: float) -> Moves:
    """Move organisations until every load is within `bound` of the mean, as a share of it.

    Each move takes the largest organisation that lifts the emptiest server at most to the mean, and leaves the fullest
    at least the mean: so every move helps both, and few moves suffice. A server that stays above the bound without such
    an organisation, for example with a single large one, is left as it is; the others are then levelled to their mean.
    """
    levelled = set(range(len(fleet.loads)))
    givers = set(levelled)
    candidates: dict[int, list[tuple[float, int]]] = {}
    moves, rows = 0, 0.0
    mean = fleet.mean_of(levelled)
    while givers:
        source = max(givers, key=fleet.loads.__getitem__)
        target = min(levelled, key=fleet.loads.__getitem__)
        is_above = fleet.loads[source] > mean * (1 + bound)
        if not is_above and fleet.loads[target] >= mean * (1 - bound):
            break
        if source not in candidates:
            candidates[source] = sorted((fleet.size(one), one) for one in fleet.movable[source])
        room = min(fleet.loads[source] - mean, mean - fleet.loads[target])
        fitting = bisect_right(candidates[source], room, key=itemgetter(0)) - 1
        if fitting >= 0:
            _, organization = candidates[source].pop(fitting)
            candidates.pop(target, None)
            rows += fleet.move(organization, target)
            moves += 1
        else:
            givers.remove(source)
            if is_above:
                levelled.remove(source)
                mean = fleet.mean_of(levelled or [source])
    return moves, rows
