"""What ends a benchmark."""


class WrongAnswerError(Exception):
    """An answer that is not the one that was expected: nothing that was measured with it counts."""
