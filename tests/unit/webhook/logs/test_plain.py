import time

import pytest

from tests.unit.webhook.logs.terminal import READ
from webhook.logs.plain import plain


@pytest.mark.parametrize("name", READ)
def test_what_a_terminal_obeys_is_not_read(name: str) -> None:
    message, text = READ[name]
    assert plain(message) == text


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x1b[0", "\x1b[ ", "\r", "\x1b"])
def test_a_line_made_to_be_slow_is_not(piece: str) -> None:
    begin = time.process_time()
    plain(piece + piece[-1] * 100_000)
    plain(piece * 100_000)
    assert time.process_time() - begin < 5
