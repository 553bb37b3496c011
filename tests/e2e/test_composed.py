"""deploy/docker: site, gateway, Valkey and nginx work together as its files say."""

import re
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.e2e.composed import Composed
from tests.e2e.stack import ROOT
from tests.e2e.tabs import TABS
from tests.e2e.visitor import Visitor
from tests.ports import HOST

pytestmark = pytest.mark.e2e

MAKE_USER = """
from django.contrib.auth.models import User
User.objects.create_user("{name}", password="{name}-demo")
"""
PUBLISH = """
from django.contrib.auth.models import User
from sockgate import publish
publish(User.objects.get(username="alice"), "news", {"title": "Djangocon 2012"})
"""


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    with Composed(tmp_path_factory.mktemp("composed")) as composed:
        for name in ("alice", "monitor"):
            make = MAKE_USER.format(name=name)
            composed.run_in_site("python", "manage.py", "shell", "-c", make)
        yield composed


def test_page_of_the_site_receives_through_its_nginx(composed):
    alice = Visitor(composed.origin).log_in("alice")
    tab = TABS["websocket"](f"{composed.origin}/realtime", composed.origin)
    with closing(tab):
        tab.open()
        assert tab.show(alice.token())["type"] == "connected"
        composed.run_in_site("python", "manage.py", "shell", "-c", PUBLISH)
        assert tab.read()["data"]["data"] == {"title": "Djangocon 2012"}


def test_static_files_come_from_nginx(composed):
    connection = HTTPConnection(HOST, composed.port, timeout=10)
    connection.request("GET", "/static/sockgate/sockgate.js")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/javascript")
    connection.close()


def test_health_check_of_the_gateway_passes(composed):
    assert composed.is_healthy()


def test_walk_of_the_timer_succeeds(composed):
    """As deploy/systemd/sockgate-doctor.service runs it, against this site."""
    unit = (ROOT / "deploy" / "systemd" / "sockgate-doctor.service").read_text()
    (line,) = re.findall(r"^ExecStart=/srv/site/\.venv/bin/(python .*)$", unit, re.MULTILINE)
    walk = line.replace("https://www.example.com", composed.origin)
    composed.run_in_site(*walk.split())
