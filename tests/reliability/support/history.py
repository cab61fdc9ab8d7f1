"""Everything that the clients saw."""

from collections import Counter
from dataclasses import dataclass, field

from tests.reliability.support.answer import Answer


@dataclass
class History:
    """Answers in the order of their arrival, and complaints about those that can be neither right nor honest."""

    answers: list[Answer] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def first_right_after(self, moment: float) -> float | None:
        """Return how many seconds after the moment the first right answer arrived, None when none did."""
        ends = [answer.ended for answer in self.answers if answer.is_right and answer.ended >= moment]
        return min(ends) - moment if ends else None

    def last_failure_after(self, moment: float) -> float:
        """Return how many seconds after the moment the last request was sent that failed, 0 when none was."""
        starts = [answer.started for answer in self.answers if not answer.is_right and answer.started >= moment]
        return max(starts) - moment if starts else 0.0

    def failures_outside(self, begin: float, end: float) -> list[Answer]:
        """Return the failures that nothing between these moments excuses."""
        return [
            answer for answer in self.answers if not answer.is_right and (answer.ended < begin or answer.started > end)
        ]

    def seen_between(self, begin: float, end: float) -> Counter[str]:
        """Count what the clients saw of requests that ran, in part at least, between these moments."""
        return Counter(answer.seen for answer in self.answers if answer.ended >= begin and answer.started <= end)
