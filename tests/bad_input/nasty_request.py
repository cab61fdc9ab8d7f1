"""One entry of the catalogue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NastyRequest:
    """Bytes for one connection, and the answers expected on it, each a status and a problem's code.

    `<token>`, `<parent>`, `<child>` and `<foreign>` stand for a parent's token, its id, and two ids that it may and may
    not see. The connection closes at the end.
    """

    name: str
    data: bytes
    answers: tuple[str, ...]
