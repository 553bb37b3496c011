"""Servers for the tests of SockJS over HTTP; each stops with its test."""

from collections.abc import Callable, Iterator

import pytest

from .mended import Mended
from .plain import Plain
from .service import Service

Serve = Callable[..., Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start our server with a program and with options of Config."""
    yield from _serving(Mended)


@pytest.fixture(
    params=[
        "mended",
        pytest.param("plain", marks=pytest.mark.xfail(strict=True, raises=AssertionError)),
    ]
)
def serve_either(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Start our server, or the plain library's, on which the test must fail."""
    yield from _serving(Plain if request.param == "plain" else Mended)


def _serving(kind: type[Service]) -> Iterator[Serve]:
    started: list[Service] = []

    def serve(program: str = "echo", **options) -> Service:
        service = kind(program, **options)
        started.append(service.start())
        return service

    yield serve
    for service in started:
        service.stop()
