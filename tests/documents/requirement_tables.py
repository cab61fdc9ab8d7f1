"""The requirements as tables."""

from tests.documents.requirement import Requirement
from tests.documents.requirement_list import CHAPTERS


def requirement_tables() -> str:
    """Return a table for each chapter."""
    chapters = []
    for title, requirements in CHAPTERS.items():
        rows = [_row(requirement) for requirement in requirements]
        chapters.append(
            "\n".join([f"## {title}", "", "| ID | asked | state | shown by |", "|---|---|---|---|", *rows]) + "\n"
        )
    return "\n" + "\n".join(chapters) + "\n"


def _row(requirement: Requirement) -> str:
    state = f"{requirement.state}: {requirement.remark}" if requirement.remark else requirement.state
    evidence = "<br>".join(_name(each) for each in requirement.shown_by) or "-"
    return f"| {requirement.id} | {requirement.sentence} | {state} | {evidence} |"


def _name(evidence: str) -> str:
    """Return a test as its file and name, anything else as it is."""
    if not evidence.split("::", maxsplit=1)[0].startswith(("make ", "docs/", ".github/", "CHANGELOG")):
        path, _, test = evidence.partition("::")
        return f"`tests/{path}`{f' `{test}`' if test else ''}"
    return f"`{evidence}`"
