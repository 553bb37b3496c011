"""User agents are told as names of browsers."""

import pytest
from sockgate.channels.inspection.agents import MAX_LENGTH, browser_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Firefox 128 on Linux",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/156.0.0.0 Safari/537.36",
            "Chrome 156 on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/156.0 Safari/537.36 Edg/156.0",
            "Edge 156 on Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} Chrome/156.0 Mobile Safari/5",
            "Chrome 156 on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari 18 on iPhone",
        ),
        ("Python/3.11 websockets/17.4", "Python/3.11 websockets/17.4"),
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("", ""),
        ("x" * 100, "x" * MAX_LENGTH),
    ],
)
def test_browser_is_named(agent: str, name: str) -> None:
    assert browser_of(agent) == name
