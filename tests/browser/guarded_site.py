"""The demo's site with a page that has the session guard."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

PAGE = """{% load sockgate %}<!doctype html><html lang="en"><head><title>Orders</title>
<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">
{% sockgate_client shared=shared %}{% sockgate_session_guard warn=warn %}
{% if connects %}<script src="/connect.js"></script>{% endif %}</head>
<body><h1>Orders</h1><p id="secret">Order 9 of {{ user.username }}: 40 pairs of socks</p>
<label>Note <input id="note"></label></body></html>"""


def guarded(request: HttpRequest) -> HttpResponse:
    """A page; ``?age=`` sets the seconds of the login, ``?warn=`` those of the warning."""
    given = request.GET
    if "age" in given:
        request.session.set_expiry(int(given["age"]))
    values = {
        "warn": float(given.get("warn", "120")),
        "shared": "shared" in given,
        "connects": "alone" not in given,
    }
    return HttpResponse(Template(PAGE).render(RequestContext(request, values)))


def connect(request: HttpRequest) -> HttpResponse:
    script = """
      var rt = Sockgate.connect(), expiring = [];
      rt.on("state", function (state) { document.documentElement.dataset.state = state; });
      rt.on("session-expiring", function (detail) { expiring.push(detail); });
    """
    return HttpResponse(script, content_type="text/javascript")


urlpatterns = [
    path("guarded/", login_required(guarded)),
    path("open/", guarded),
    path("connect.js", connect),
]
