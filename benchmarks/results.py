"""The results of a run and queries on them."""

from dataclasses import dataclass, field
from typing import Any, Self

from benchmarks.figure import Figure
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.measures.sample import Sample


@dataclass
class Results:
    """Samples of one run on one machine; `skipped` has the reasons for skipped peers."""

    extent: str
    machine: dict[str, str]
    samples: list[Sample] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Create the results from a result file's content."""
        samples = [Sample(**sample) for sample in content["samples"]]
        return cls(content["extent"], content["machine"], samples, content["skipped"])

    def to_json(self) -> dict[str, Any]:
        """Return the content of a result file."""
        samples = [sample.to_json() for sample in self.samples]
        return {"extent": self.extent, "machine": self.machine, "skipped": self.skipped, "samples": samples}

    def require_checks(self) -> None:
        """Raise WrongResponseError unless every counted response was checked."""
        for sample in self.samples:
            if sample.checked != sample.responses:
                raise WrongResponseError(f"{sample.key}: {sample.responses} responses, {sample.checked} checked")

    def of(self, measure: str, **key: Any) -> list[Sample]:
        """Return the samples of a measure whose keys have these values."""
        return [one for one in self.samples if one.measure == measure and key.items() <= one.key.items()]

    def figure(self, measure: str, name: str, **key: Any) -> Figure | None:
        """Return a figure over all rounds, None if it was not measured."""
        values = [sample.figures[name] for sample in self.of(measure, **key)]
        return Figure(values) if values else None

    def ratio(self, measure: str, name: str, over: dict[str, Any], under: dict[str, Any], **key: Any) -> Figure | None:
        """Return the ratio of two figures, computed for each round, in which both were measured consecutively."""
        dividends = {sample.round: sample.figures[name] for sample in self.of(measure, **key, **over)}
        divisors = {sample.round: sample.figures[name] for sample in self.of(measure, **key, **under)}
        values = [dividends[number] / divisors[number] for number in dividends.keys() & divisors.keys()]
        return Figure(values) if values else None
