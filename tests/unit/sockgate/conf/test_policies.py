from typing import Any

import pytest
from sockgate.conf import policies
from sockgate_gateway.wire.namespaces import Namespaces, Policy


def test_problems_of_good_policies_are_none() -> None:
    good = {"room": {"history": 0, "age": 0.5}, "user": {"presence": True}, "a.b": {}}
    assert list(policies.problems(good)) == []


@pytest.mark.parametrize(
    ("namespaces", "expected"),
    [
        ({"room": {"historie": 1}}, "Namespace 'room': 'historie' is not known."),
        ({"room": {"history": -1}}, "number of publications"),
        ({"room": {"history": "many"}}, "Expected `int`"),
        ({"room": {"age": 0}}, "number of seconds"),
        ({"room": {"age": float("inf")}}, "number of seconds"),
        ({"room": {"age": float("nan")}}, "number of seconds"),
        ({"room": {"overflow": "drop"}}, "overflow"),
        ({"room": {"publish": "anyone"}}, "publish"),
        ({"room": {1: 2}}, "1 is not known"),
        ({"room": None}, "must be a dict"),
        ({"room:7": {}}, "before the colon"),
        ({"{room}": {}}, "before the colon"),
        ({"": {}}, "before the colon"),
        ({7: {}}, "before the colon"),
        ({"user": {"public": True}}, "cannot be public"),
        ({"broadcast": {"public": True}}, "cannot be public"),
    ],
)
def test_problems_are_named(namespaces: Any, expected: str) -> None:
    found = list(policies.problems(namespaces))
    assert any(expected in problem for problem in found), found


def test_read_returns_policies() -> None:
    assert policies.read({"room": {"age": 60}}) == Namespaces({"room": Policy(age=60)})


def test_publish_policy_of_broadcast_is_server_only() -> None:
    assert list(policies.problems({"room": {"publish": "subscribers"}})) == []
    (problem,) = policies.problems({"broadcast": {"publish": "subscribers"}})
    assert "only the server may publish" in problem
