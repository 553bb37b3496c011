"""Emptying ``memory://`` between tests, which must cost nothing where nothing is stored."""

from typing import Any

import pytest
from sockgate.redis_clients import memory, pools
from sockgate.testing.memory import forget_memory_of_site


@pytest.fixture(autouse=True)
def in_memory(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "memory://"}
    memory._server.cache_clear()


def test_memory_is_emptied() -> None:
    client = pools.records()
    client.set("a", "b")
    assert memory.holds_data()
    forget_memory_of_site()
    assert client.get("a") is None
    assert not memory.holds_data()


def test_empty_memory_costs_no_command_and_no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise AssertionError("Redis was used")

    monkeypatch.setattr(pools, "records", fail)
    forget_memory_of_site()
    assert memory._server.cache_info().currsize == 0
    memory.open_client()
    forget_memory_of_site()
