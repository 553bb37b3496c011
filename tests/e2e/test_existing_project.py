"""docs/howto.md: Sockgate goes into a project of cookiecutter-django's layout as it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.quickstart import Runserver, port_of_project
from tests.e2e.tabs import RawWebSocketTab
from tests.e2e.visitor import Visitor
from tests.e2e.written import WrittenSite

pytestmark = pytest.mark.e2e

PAGE = (Path(__file__).parents[2] / "docs" / "howto.md").read_text()
STEP = PAGE.partition("## Put Sockgate into an existing project\n")[2].partition("```yaml")[0]

LOCAL = """\
from .base import *

DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
DATABASES["default"]["ATOMIC_REQUESTS"] = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""
VIEWS = """\
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from sockgate import publish


@login_required
def page(request):
    return render(request, "base.html")


@login_required
def order(request):
    publish(request.user, "ordered", {"what": request.POST["what"]})
    if request.POST["what"] == "nothing":
        raise ValueError("an order of nothing")
    return HttpResponse(status=204)
"""
LOG_IN = """
from django.test import Client
alice = User.objects.create_user("alice")
client = Client()
client.force_login(alice)
print(client.session.session_key)
"""
URLS = """
from config import views
urlpatterns = [
    path("page/", views.page), path("order/", views.order), *urlpatterns
]
"""


def make_project(folder: Path) -> WrittenSite:
    """Make a project with settings in a package, templates beside it, and atomic requests."""
    site = WrittenSite(folder)
    site.start("django-admin startproject config .", "config")
    settings = folder / "config" / "settings"
    settings.mkdir()
    base = (folder / "config" / "settings.py").read_text()
    base = base.replace(".parent.parent\n", ".parent.parent.parent\n")
    (settings / "base.py").write_text(
        base.replace("'DIRS': []", "'DIRS': [BASE_DIR / 'templates']")
    )
    (folder / "config" / "settings.py").unlink()
    (settings / "__init__.py").touch()
    (settings / "local.py").write_text(LOCAL)
    manage = folder / "manage.py"
    manage.write_text(manage.read_text().replace("config.settings", "config.settings.local"))
    (folder / "config" / "views.py").write_text(VIEWS)
    with (folder / "config" / "urls.py").open("a") as urls:
        urls.write(URLS)
    (folder / "templates").mkdir()
    (folder / "templates" / "base.html").write_text("<!doctype html><title>The site</title>\n")
    return site


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[WrittenSite, str]:
    """The project with a login of Django's own, and the key of its session."""
    site = make_project(tmp_path_factory.mktemp("existing"))
    site.manage("migrate", "--verbosity=0")
    return site, site.manage("shell", "-c", LOG_IN).stdout.split()[-1]


@pytest.fixture(scope="module")
def site(before: tuple[WrittenSite, str]) -> WrittenSite:
    site, _ = before
    site.do(STEP)
    assert "no issues" in site.manage("check").stdout
    return site


@pytest.fixture(scope="module")
def runserver(site: WrittenSite) -> Iterator[Runserver]:
    with Runserver(site, port_of_project()) as runserver:
        yield runserver.wait_until_ready()


@pytest.fixture
def alice(before: tuple[WrittenSite, str], runserver: Runserver) -> Visitor:
    """The browser that was logged in before Sockgate came."""
    visitor = Visitor(runserver.origin())
    visitor.set_cookie("sessionid", before[1])
    return visitor


def test_login_of_before_stays_and_its_page_receives_what_is_committed(
    alice: Visitor, runserver: Runserver
) -> None:
    page = alice.get("/page/").body
    config = json.loads(re.search(r'data-sockgate="client">(.*?)</script>', page)[1])
    tab = RawWebSocketTab(config["url"], runserver.origin())
    tab.open()
    try:
        assert tab.show(config["token"] or alice.token())["user"] == "1"
        assert alice.post("/order/", what="nothing").status == 500
        assert alice.post("/order/", what="screws").status == 204
        assert tab.read()["data"] == {"event": "ordered", "data": {"what": "screws"}}
    finally:
        tab.close()
