"""The demo's site with a page that has the session guard, and one with the progress of a work."""

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


WORK = """{% load sockgate %}<!doctype html><html lang="en"><head><title>Export</title>
<meta name="color-scheme" content="light dark">{% sockgate_client %}</head>
<body><h1>Export</h1><p id="secret">{% task_progress "job" label="Export of the orders" %}</p>
</body></html>"""


def work(request: HttpRequest) -> HttpResponse:
    """A page with a bar, and no script of its own."""
    return HttpResponse(Template(WORK).render(RequestContext(request)))


urlpatterns = [
    path("work/", login_required(work)),
    path("guarded/", login_required(guarded)),
    path("open/", guarded),
    path("connect.js", connect),
]
