"""The proxies of docs/deploy.md: views go to Django, and the gateway's pages to the gateway."""

import json
from http.client import HTTPConnection

import pytest
from sockgate.checks.site_views import is_of_view, request_view
from sockgate.urls import urlpatterns

from tests.e2e.two_hosts import BALANCERS, Site
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("balancer", BALANCERS)]

VIEWS = [f"/realtime/{view.pattern}" for view in urlpatterns]
PAGES = ("", "/", "/info", "/iframe.html", "/iframe-1.6.1.html", "/sockjs.js")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("hosts")).running() as site:
        yield site


@pytest.mark.parametrize("path", VIEWS)
def test_view_is_djangos(site, balancer, path):
    answer = request_view(site.origin(balancer) + path, 15)
    assert is_of_view(answer), answer


def test_views_serve_a_logged_in_page(site, balancer):
    alice = Visitor(site.origin(balancer)).log_in("alice")
    assert json.loads(alice.ask_for_token().body)["token"]
    assert json.loads(alice.post("/realtime/session/").body)["user"]
    assert json.loads(alice.get("/realtime/progress/?id=none").body) == {"progress": {}}
    assert alice.post("/realtime/grant/", channel="a b").body == '{"error": "bad_channel"}'


@pytest.mark.parametrize(
    "page", ["", "/", "/info", "/iframe.html", "/iframe-1.6.1.html", "/sockjs.js"]
)
def test_page_of_the_gateway_is_the_gateways(site, balancer, page):
    connection = HTTPConnection(site.origin(balancer).removeprefix("http://"), timeout=15)
    connection.request("GET", f"/realtime{page}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200
    assert "sessionid" not in answer.headers.get("Vary", "").lower()


def test_doctor_walks_through_the_proxy(site, balancer):
    site.stack.run_in_django(
        "from django.core.management import call_command\n"
        f"call_command('sockgate_doctor', site={site.origin(balancer)!r})"
    )
