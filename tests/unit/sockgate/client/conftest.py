"""A loop with a clock of its own for each test."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.sockgate.client.fakes import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.settle()
    assert all(task.done() for task in tasks)
    loop.close()
