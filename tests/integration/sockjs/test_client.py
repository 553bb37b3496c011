"""sockjs-client itself at our server, in the scenarios of its own test suite."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.nodetab import TRANSPORTS, find_node
from tests.ports import free_port

PROGRAM = Path(__file__).parents[2] / "node" / "echo.cjs"
PATIENCE_S = 30

# Lone surrogates are left out: no UTF-8 carries them but within a JSON text, as an escape.
ALL_CHARACTERS = "".join(chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000)
BASIC = ["data"]
RICH = ['{"a":1,"b":2}', "null", "false", "1", "12.5", "[1,2,3]", "[object Object]"]
SPECIAL = ["", "\0", "\xff\0", " \r\n ", "\r", "\n", "a\t", " a", "a ", "\ufffd", "\ufeff", "%"]
UNICODE = [
    "Τη γλώσσα μου",
    "ღმერთსი",
    "⠊⠀⠉⠁⠝⠀⠑⠁⠞",
    "나는 유리를 먹을 수 있어요",
    "Бритни\n",
    "😀",
]
LARGE = ["x" * 2**n for n in (1, 2, 4, 8, 13, 13, 14)]
TEXTS = {
    "plain": BASIC + RICH + SPECIAL + UNICODE + LARGE,
    "killer": [ALL_CHARACTERS[n : n + 8192] for n in range(0, len(ALL_CHARACTERS), 8192)],
}
RESPONSE_LIMIT = 4096
"""That of sockjs-client's test server, so that one streaming response follows another."""


def run_client(url: str, transport: str, texts: list[str], mode: str = "ping-pong") -> dict:
    command = [find_node(), str(PROGRAM), url, transport, mode]
    given = json.dumps(texts).encode()
    ran = subprocess.run(command, input=given, capture_output=True, timeout=PATIENCE_S, check=True)
    return json.loads(ran.stdout)


def url_of(service) -> str:
    return f"http://127.0.0.1:{service.browser.port}{service.browser.prefix}"


@pytest.mark.parametrize("mode", ["ping-pong", "batch"])
@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_texts_are_echoed_unchanged(serve, transport, kind, mode):
    service = serve(response_limit=RESPONSE_LIMIT)
    outcome = run_client(url_of(service), transport, TEXTS[kind], mode)
    assert outcome["opened"] == transport
    assert outcome["received"] == TEXTS[kind]
    assert outcome["close"] == [1000, "Normal closure", True]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_close_of_the_server_arrives_with_its_reason(serve, transport):
    outcome = run_client(url_of(serve("close")), transport, [])
    assert outcome["opened"] == transport
    assert outcome["close"] == [3000, "going away", True]
    assert outcome["closes"] == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_close_of_the_client_is_clean(serve, transport):
    outcome = run_client(url_of(serve()), transport, [], "close")
    assert outcome["close"] == [3000, "User message", True]
    assert (outcome["received"], outcome["closes"]) == ([], 1)


def test_client_cannot_connect_to_another_path(serve):
    outcome = run_client(url_of(serve()) + "/invalid", "xhr-polling", [])
    assert outcome == {
        "opened": None,
        "received": [],
        "close": [1002, "Cannot connect to server", False],
        "closes": 1,
    }


def test_client_cannot_connect_to_a_closed_port():
    outcome = run_client(f"http://127.0.0.1:{free_port()}/echo", "xhr-polling", [])
    assert outcome["close"] == [1002, "Cannot connect to server", False]


def test_client_uses_the_offered_transports(serve):
    outcome = run_client(url_of(serve(transports=("xhr",))), "websocket", [])
    assert outcome["close"] == [2000, "All transports failed", False]
