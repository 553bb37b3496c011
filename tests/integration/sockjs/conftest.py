"""Servers for the tests of SockJS over HTTP; each stops with its test."""

import logging
from collections.abc import Callable, Iterator

import pytest

from tests.integration.sockjs.mended import Fast, Mended
from tests.integration.sockjs.plain import Plain
from tests.integration.sockjs.service import Service

Serve = Callable[..., Service]

_TRACEBACKS = ("asyncio", "tornado.application")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start our server with a program and with options of Config."""
    yield from _serving(Mended)


@pytest.fixture
def serve_fast() -> Iterator[Serve]:
    """Start our server with the fast path before Tornado."""
    yield from _serving(Fast)


@pytest.fixture(
    params=[
        "mended",
        pytest.param("plain", marks=pytest.mark.xfail(strict=True, raises=AssertionError)),
    ]
)
def serve_either(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Start our server, or the plain library's, on which the test must fail.

    The plain one logs no tracebacks: Python parses source to write one, and before 3.11.8 that
    fails while another thread does the same (python/cpython#106905), here pytest with the failure
    that we expect.
    """
    if request.param == "mended":
        yield from _serving(Mended)
        return
    for name in _TRACEBACKS:
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
    yield from _serving(Plain)


def _serving(kind: type[Service]) -> Iterator[Serve]:
    started: list[Service] = []

    def serve(program: str = "echo", **options) -> Service:
        service = kind(program, **options)
        started.append(service.start())
        return service

    yield serve
    for service in started:
        service.stop()
