"""The async twins take the same arguments as the calls, which document them."""

import inspect

import pytest
from sockgate.publishing import async_calls, calls

TWINS = (
    "publish",
    "publish_to",
    "publish_to_group",
    "publish_many",
    "broadcast",
    "touch",
    "position",
)


@pytest.mark.parametrize("name", TWINS)
def test_async_call_has_the_signature_of_its_twin(name):
    twin, call = getattr(async_calls, f"a{name}"), getattr(calls, name)
    assert inspect.signature(twin) == inspect.signature(call)
    assert f"as ``{name}`` does" in (inspect.getdoc(twin) or "")


def test_every_async_call_has_a_twin():
    found = {name for name, made in vars(async_calls).items() if inspect.iscoroutinefunction(made)}
    own = {name for name in found if vars(async_calls)[name].__module__ == async_calls.__name__}
    assert own == {f"a{name}" for name in TWINS}
