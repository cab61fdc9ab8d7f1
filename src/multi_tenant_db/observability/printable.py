"""Texts that others wrote, made fit for a terminal."""


def printable(text: str) -> str:
    """Return the text with what does not print escaped: control sequences, bidirectional marks, line ends."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
