"""The service beside another HTTP/1.1 parser: no byte of a body is ever taken for a request."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bad_input.exchange import answers_in, converse
from tests.bad_input.other_parser import read
from tests.bad_input.shapes import shapes
from tests.bad_input.test_catalogue import target
from tests.support.extent import part
from tests.support.nasty_target import NastyTarget

__all__ = ["target"]  # the fixture

LEAST_SHAPES = 500
SPLIT_SHAPES = ("POST /tenants HTTP/1.1", "GET /health HTTP/1.1")
REFUSED = "400 malformed_request"


def judge(name: str, data: bytes, received: bytes) -> str | None:
    """Return what is wrong with the answers to these bytes, None when they fit the other parser's reading."""
    reading = read(data)
    answers = answers_in(received)
    if b'"items"' in received and "nothing" not in name and "too short" not in name:
        return f"{name}: the smuggled request was answered: {answers}"
    served = [answer for answer in answers if answer != REFUSED]
    if len(served) > len(reading.bodies) + reading.is_refused:
        return f"{name}: {answers}, where h11 reads {len(reading.bodies)} requests"
    if answers.count(REFUSED) > 1 or (REFUSED in answers and answers[-1] != REFUSED):
        return f"{name}: went on after a refusal: {answers}"
    if not reading.is_refused and REFUSED not in answers and len(served) != len(reading.bodies):
        return f"{name}: {answers}, where h11 reads {len(reading.bodies)} requests"
    return None


async def test_every_shape_is_read_as_another_parser_reads_it(target: NastyTarget) -> None:
    """Whatever frames the body, no more requests are answered than h11 finds, and none behind a refusal."""
    cases = list(shapes(target.caller.parent.token))
    assert len(cases) > LEAST_SHAPES

    def tried(case: tuple[str, bytes]) -> str | None:
        return judge(*case, converse(target.service.port, case[1]))

    with ThreadPoolExecutor(8) as pool:
        wrong = [text for text in await asyncio.to_thread(lambda: list(pool.map(tried, part(cases, 5)))) if text]
    assert wrong == []


@pytest.mark.parametrize("framing", ["a length", "two chunks"])
async def test_every_split_is_read_alike(target: NastyTarget, framing: str) -> None:
    """An offer to upgrade with a body, cut into two packets at every byte, has the answers that it has in one."""
    cases = [
        (name, data)
        for name, data in shapes(target.caller.parent.token)
        if name.endswith(f", {framing}") and "h2c" in name and "Connection" in name and name.startswith(SPLIT_SHAPES)
    ]
    cases = [case for case in cases if "Expect" not in case[0]]
    assert len(cases) == len(SPLIT_SHAPES)

    def tried(piece: tuple[str, bytes, int]) -> str | None:
        name, data, cut = piece
        return judge(f"{name}, cut at {cut}", data, converse(target.service.port, data[:cut], data[cut:]))

    pieces = [(name, data, cut) for name, data in cases for cut in range(1, len(data))]
    with ThreadPoolExecutor(8) as pool:
        wrong = [text for text in await asyncio.to_thread(lambda: list(pool.map(tried, part(pieces, 7)))) if text]
    assert wrong == []


@pytest.mark.exhaustive
async def test_byte_by_byte(target: NastyTarget) -> None:
    """The same, each byte in a packet of its own."""
    name, data = next(
        case for case in shapes(target.caller.parent.token) if "h2c" in case[0] and "two chunks" in case[0]
    )
    received = await asyncio.to_thread(converse, target.service.port, *(data[n : n + 1] for n in range(len(data))))
    assert judge(name, data, received) is None
