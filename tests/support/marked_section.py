"""Sections of a document that commands write, between `<!-- name -->` and `<!-- end of name -->`."""

from pathlib import Path


def write_section(document: Path, name: str, content: str) -> None:
    """Replace the section of this name."""
    before, _, after = _parts(document, name)
    document.write_text(f"{before}\n{content}\n{after}", encoding="utf-8")


def read_section(document: Path, name: str) -> str:
    """Return the section of this name."""
    return _parts(document, name)[1].strip()


def _parts(document: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    section, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{document} lacks the marks {begin} and {end}")
    return before + begin, section, end + after
