"""Labels of tokens."""

import typer

LONGEST_LABEL = 200


def check_label(label: str) -> str:
    """Return the label when the database can store it; raises typer.BadParameter."""
    if not 1 <= len(label) <= LONGEST_LABEL:
        raise typer.BadParameter(f"a label has 1 to {LONGEST_LABEL} characters")
    if not is_storable(label):
        raise typer.BadParameter("a label is text in UTF-8")
    return label


def is_storable(text: str) -> bool:
    """Return whether an argument is UTF-8 text; Python decodes any other byte as a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
