"""Escaping of text for terminals."""


def printable(text: str) -> str:
    """Escape unprintable characters: control sequences, bidirectional marks, line ends."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
