"""A run of generated requests, and what came of it."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import Case, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from multi_tenant_db.http.preconditions import HEADER_PATTERN
from multi_tenant_db.schemas.fields import BEGINS_WITH_A_MARK

KNOWS_ONLY_THE_SCHEMA = {"parent_not_found", "idempotency_key_reused"}
"""Refusals of what the schema allows and the data does not: no document could tell which parents there are."""

SAID_IN_WORDS_TOO = {BEGINS_WITH_A_MARK}
"""Rules that would take a hundred lines of JSON Schema: which characters are combining marks."""

SAID_IN_WORDS = ("/body/metadata", "/body/parent_tenant_id")
"""Members whose rules the document tells in words, since generators of clients stumble over them in JSON Schema."""


@dataclass
class GeneratedRun:
    """Counts the requests, and keeps every failure of every check."""

    requests: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @classmethod
    def against(cls, port: int, token: str, *, examples: int, seed: int | None) -> "GeneratedRun":
        """Send that many generated requests to each operation, in every phase and with every check.

        Two checks are loosened, each where it assumes more than a document can say: a request that fits the schema may
        meet a tenant of another version (412), or a parent that does not exist; see `_is_excused`.
        """
        config: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {token}"},
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "database": "none"},
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "304", "401", "403", "404", "409", "412"],
                },
            },
        } | ({} if seed is None else {"seed": seed})
        schema = schemathesis.openapi.from_url(
            f"http://127.0.0.1:{port}/openapi.json", config=SchemathesisConfig.from_dict(config)
        )
        run = cls()
        for event in from_schema(schema).execute():
            run.note(event)
        return run

    def __str__(self) -> str:
        phases, operations = (
            ", ".join(f"{name}: {count:,}" for name, count in counts.items())
            for counts in (self.phases, self.operations)
        )
        return f"{self.requests:,} requests ({operations}; {phases}), {len(self.failures)} checks failed"

    def note(self, event: object) -> None:
        """Take in what the engine reports."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.failures.append(f"the engine failed: {event}")
        if not isinstance(event, events.ScenarioFinished):
            return
        recorder = event.recorder
        self.requests += len(recorder.interactions)
        self.phases[event.phase.value] += len(recorder.interactions)
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            self.operations[case.operation.label] += 1
            for check in recorder.checks.get(case_id, []):
                failure = check.failure_info
                if failure and not _is_excused(check.name, case, interaction.response):
                    self.failures.append(
                        f"{case.operation.label}, {check.name}:\n{failure.code_sample}\n{failure.failure}"
                    )


def _is_excused(check: str, case: Case[Any], response: Response | None) -> bool:
    if check != "positive_data_acceptance" or response is None:
        return False
    # The generator's own mistake: in its coverage phase it takes "0" for an entity tag, against the pattern.
    sent = [str(value) for name, value in case.headers.items() if name in {"If-Match", "If-None-Match"}]
    if any(not re.fullmatch(HEADER_PATTERN, value) for value in sent):
        return True
    problem = json.loads(response.content)
    said_in_words = all(
        error["pointer"].startswith(SAID_IN_WORDS) or error.get("detail") in SAID_IN_WORDS_TOO
        for error in problem.get("errors", [{"pointer": ""}])
    )
    return problem.get("code") in KNOWS_ONLY_THE_SCHEMA or said_in_words
