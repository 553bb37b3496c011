"""``manage.py runserver`` in the project of the README's quickstart, and what runs beside it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from redis import Redis

from tests.e2e.quickstart import (
    ADMIN,
    PASSWORD,
    README,
    Project,
    Runserver,
    connect,
    log_in,
    port_of_project,
    wait_for_end,
)
from tests.e2e.tabs import RawWebSocketTab
from tests.e2e.visitor import Visitor
from tests.ports import HOST

pytestmark = pytest.mark.e2e

NEWS = {"channel": "user:1", "data": {"event": "news", "data": {"title": "Djangocon 2012"}}}
RECEIVER = """
from django.dispatch import receiver
from sockgate.signals import user_online

@receiver(user_online)
def write(user_id, **_):
    print(f"user {user_id} is online", flush=True)
"""
CONFIG = re.compile(r'data-sockgate="client"[^>]*>(.*?)</script>')


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("quickstart"))


@pytest.fixture(scope="module")
def runserver(project: Project) -> Iterator[Runserver]:
    with Runserver(project, port_of_project()) as runserver:
        yield runserver.wait_until_ready()


@pytest.fixture(scope="module")
def visitor(runserver: Runserver) -> Visitor:
    return log_in(runserver.origin())


def config_of(visitor: Visitor) -> dict[str, str]:
    found = CONFIG.search(visitor.get("/").body)
    assert found
    return dict(json.loads(found[1]))


def open_tab(visitor: Visitor, origin: str) -> RawWebSocketTab:
    config = config_of(visitor)
    # A page without a token, after a slow answer of Redis, requests one.
    return connect(config["url"], origin, config["token"] or visitor.token())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_page_connects_on_the_host_that_the_browser_used(runserver: Runserver, host: str) -> None:
    visitor = log_in(runserver.origin(host))
    assert config_of(visitor)["url"] == f"http://{host}:{runserver.port + 1}/realtime"
    tab = open_tab(visitor, runserver.origin(host))
    assert visitor.post("/", title="Djangocon 2012").status == 204
    assert tab.read() == NEWS
    tab.close()


@pytest.mark.browser
def test_page_of_the_readme_shows_what_it_publishes(
    runserver: Runserver, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(runserver.origin())
    page.fill("#id_username", ADMIN)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_function("window.rt && rt.state === 'connected'")
    page.click("button")
    expect(page.locator("#news")).to_have_text("Djangocon 2012")


def test_socket_stays_open_when_a_file_is_saved(
    project: Project, runserver: Runserver, visitor: Visitor
) -> None:
    tab = open_tab(visitor, runserver.origin())
    before = runserver.processes()
    views = project.folder / "mysite" / "views.py"
    views.write_text(views.read_text().replace('"title": ', '"saved": True, "title": '))
    runserver.wait_until_ready(starts=2)
    assert visitor.post("/", title="Djangocon 2012").status == 204
    received = tab.read()
    assert isinstance(received, dict)
    assert received["data"]["data"] == {"saved": True, "title": "Djangocon 2012"}
    after = runserver.processes()
    assert after.pop("manage.py") != before.pop("manage.py")
    assert after == before
    tab.close()


def test_other_command_publishes_to_the_page_by_the_line_of_the_readme(
    project: Project, runserver: Runserver, visitor: Visitor
) -> None:
    (line,) = re.findall(r"^python manage.py (shell .*)$", README.read_text(), re.MULTILINE)
    tab = open_tab(visitor, runserver.origin())
    project.manage(*shlex.split(line))
    assert tab.read() == NEWS
    tab.close()


def test_redis_cli_publishes_to_the_page_by_the_line_of_the_readme(
    project: Project, runserver: Runserver, visitor: Visitor
) -> None:
    (line,) = re.findall(r"^redis-cli .*$", README.read_text(), re.MULTILINE)
    tab = open_tab(visitor, runserver.origin())
    done = subprocess.run(
        ["sh", "-c", line], cwd=project.folder, capture_output=True, text=True, check=False
    )
    assert done.stdout == "1\n", done
    assert tab.read()["data"]["data"] == {"title": "Djangocon 2012"}
    tab.close()


def test_doctor_finds_the_running_site(project: Project, runserver: Runserver) -> None:
    said = project.manage("sockgate_doctor").stdout
    origin = runserver.origin("127.0.0.1")
    assert said.startswith(f"Site: {origin} (of the runserver of this project)\n")
    assert "failed" not in said, said
    assert "ok       websocket: logout" in said
    assert "ok       policy of the page" in said


def test_crashed_gateway_is_reported_and_starts_again(
    runserver: Runserver, visitor: Visitor
) -> None:
    os.kill(runserver.processes()["sockgate_gateway"], signal.SIGKILL)
    runserver.wait_for("[gateway] ended with SIGKILL; it starts again in 0.5 s")
    runserver.wait_for("[gateway] ready at", 2)
    assert runserver.exit_status is None
    open_tab(visitor, runserver.origin()).close()


def test_interrupt_ends_everything_and_the_login_holds_after_a_restart(
    project: Project, runserver: Runserver, visitor: Visitor
) -> None:
    pids = [*runserver.processes().values()]
    assert len(pids) == 4
    runserver.interrupt()
    assert "Traceback" not in runserver.output
    wait_for_end(pids)
    with Runserver(project, runserver.port, "--noreload") as again:
        again.wait_until_ready()
        open_tab(visitor, runserver.origin()).close()
        pids = [again.pid, *again.processes().values()]
        again.send(signal.SIGTERM)
        wait_for_end(pids)


def test_nothing_outlives_a_killed_parent(project: Project) -> None:
    with Runserver(project, port_of_project()) as runserver:
        runserver.wait_until_ready()
        pids = [*runserver.processes().values()]
        assert len(pids) == 4
        runserver.send(signal.SIGKILL)
        wait_for_end(pids)


def test_signals_are_sent_by_the_process_that_serves_the_site(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with (tmp_path / "mysite" / "settings.py").open("a") as file:
        file.write('SOCKGATE = {**globals().get("SOCKGATE", {}), "PRESENCE_SIGNALS": True}\n')
    with (tmp_path / "mysite" / "urls.py").open("a") as file:
        file.write(RECEIVER)
    with Runserver(project, port_of_project()) as runserver:
        runserver.wait_until_ready()
        tab = open_tab(log_in(runserver.origin()), runserver.origin())
        runserver.wait_for("user 1 is online")
        tab.close()


def test_command_says_that_the_embedded_valkey_does_not_run(project: Project) -> None:
    with Runserver(project, port_of_project()) as runserver:
        runserver.wait_until_ready()
        pids = [runserver.pid, *runserver.processes().values()]
    wait_for_end(pids)
    code = "from sockgate import publish; publish(1, 'news')"
    with pytest.raises(AssertionError, match=r"runs only beside manage\.py runserver"):
        project.manage("shell", "-c", code)


SET_UP = f"""
from django.contrib.auth.models import Group, User
Group.objects.get_or_create(name="editors")[0].user_set.add(1)
user = User.objects.get(pk=1)
user.set_password({PASSWORD!r})
user.save()
User.objects.create_user("passer-by").delete()
"""


def test_set_up_script_runs_without_valkey_and_the_next_start_knows_its_changes(
    project: Project,
) -> None:
    port = port_of_project()
    with Runserver(project, port) as runserver:
        runserver.wait_until_ready()
        log_in(runserver.origin())
    done = project.manage("shell", "-c", SET_UP)
    assert done.stderr.count("The next runserver brings all records up to date") == 1
    fields = {"username": ADMIN, "password": "!", "is_staff": True, "is_superuser": True}
    users = [{"model": "auth.user", "pk": 1, "fields": fields}]
    (project.folder / "users.json").write_text(json.dumps(users))
    project.manage("loaddata", "users.json")
    with Runserver(project, port) as runserver:
        runserver.wait_until_ready()
        runserver.wait_for("[redis] knows the users that changed while it did not run")
        url = (project.folder / ".sockgate" / "redis.url").read_text().strip()
        with Redis.from_url(url) as redis:
            assert not redis.exists("sockgate:user:1")
    assert project.manage("shell", "-c", SET_UP)  # The password is the one of the README again.


def test_port_in_use_is_named_with_its_setting(project: Project) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = str(other.getsockname()[1])
        with Runserver(project, port_of_project(), SOCKGATE_PORT=port) as runserver:
            runserver.wait_for(f"Port {port}, which SOCKGATE_PORT gives to the gateway, is in use")
            assert runserver.wait() == 1


def test_state_is_ignored_by_git(project: Project, runserver: Runserver) -> None:
    folder: Path = project.folder / ".sockgate"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert oct((folder / "redis.url").stat().st_mode & 0o777) == "0o600"
