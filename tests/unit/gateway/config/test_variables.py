"""The variables of the gateway, and Django's names for them."""

import pytest
from sockgate import conf
from sockgate_gateway.config.variables import DJANGO_ONLY, find_unknown, read_variables


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SOCKGATE_ORIGIN", "SOCKGATE_ORIGINS"),
        ("SOCKGATE_SIGNING_KEY", "SOCKGATE_SIGNING_KEYS"),
        ("SOCKGATE_MAX_CONNECTION", "SOCKGATE_MAX_CONNECTIONS"),
        ("SOCKGATE_ANONYMUS", "SOCKGATE_ANONYMOUS"),
    ],
)
def test_unknown_variable_names_the_nearest(name: str, nearest: str) -> None:
    expected = [f"{name}: unknown variable; the nearest one is {nearest}"]
    assert find_unknown({name: "x"}) == expected


def test_unknown_variable_without_a_near_one_names_none() -> None:
    assert find_unknown({"SOCKGATE_XYZ": "x"}) == ["SOCKGATE_XYZ: unknown variable"]


@pytest.mark.parametrize("name", conf.KEYS)
def test_name_of_every_django_setting_is_known(name: str) -> None:
    assert find_unknown({f"SOCKGATE_{name}": "x"}) == []


@pytest.mark.parametrize("name", sorted(DJANGO_ONLY))
def test_variable_of_django_alone_changes_nothing(name: str) -> None:
    assert read_variables({name: "x"}) == {}


@pytest.mark.parametrize(
    ("environ", "option"),
    [
        ({"SOCKGATE_MAX_PAYLOAD": "7"}, {"max_publication": "7"}),
        ({"SOCKGATE_MAX_PAYLOAD": "7", "SOCKGATE_MAX_PUBLICATION": "8"}, {"max_publication": "8"}),
        ({"SOCKGATE_GATEWAY_URL": "https://push.example.com/live/"}, {"prefix": "/live"}),
        ({"SOCKGATE_GATEWAY_URL": "/live"}, {"prefix": "/live"}),
        ({"SOCKGATE_GATEWAY_URL": ":8001/live"}, {"prefix": "/live"}),
        ({"SOCKGATE_GATEWAY_URL": "https://push.example.com"}, {}),
        ({"SOCKGATE_GATEWAY_URL": "http://[::1"}, {}),
        ({"SOCKGATE_GATEWAY_URL": "/live", "SOCKGATE_PREFIX": "/rt"}, {"prefix": "/rt"}),
    ],
)
def test_name_of_django_sets_the_option(environ: dict[str, str], option: dict[str, str]) -> None:
    assert read_variables(environ) == option
