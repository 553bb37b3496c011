"""A site with live pages. What they show is in Redis, so that a test changes it in any process."""

import json
import os
from functools import cache
from time import time
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import path
from django.views.decorators.http import condition
from project.urls import urlpatterns as demo_urls
from redis import Redis

HEAD = """{% load sockgate static %}<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>Live</title>"""
CLIENT = "{% sockgate_client %}"
BODY = "</head><body>"
ROWS = """{% live "orders" %}
<ul id="rows">{% for row in rows %}<li>{{ row }}</li>{% endfor %}</ul>
{% endlive %}"""
FORM = """{% live "stock" %}
<p id="stock">{{ version }}</p>
<form><input id="draft"><input id="fixed" value="{{ version }}"><textarea id="text"></textarea>
<select id="choice"><option>one<option>two</select><input type="checkbox" id="tick"></form>
<details id="more"><summary>More</summary><p>{{ version }}</p></details>
<div id="kept" data-sockgate-keep>{{ version }}</div>
<div id="long">{% for number in long %}<p>{{ version }}</p>{% endfor %}</div>
<button id="button">{{ version }}</button>
<script src="/script.js"></script><script type="application/json" id="data">"{{ version }}"</script>
{% endlive %}
<p id="outside">{{ version }}</p>"""
NESTED = """{% live channels id="list" %}{% for name in names %}
{% live name id=name %}<p>{{ name }} {{ version }}</p>{% endlive %}{% endfor %}{% endlive %}"""
HTMX = """{% live "stock" %}<button id="more" hx-get="/part/{{ version }}/" hx-target="#part"
hx-swap="innerHTML">{{ version }}</button>{% endlive %}<div id="part"></div>
<button id="load" hx-get="/partial/" hx-target="#part">load</button>"""
TOASTS = """<div id="toasts" role="status"></div><b id="bell">0</b>
<table><tbody id="table"></tbody></table>
{% live "orders" %}<p id="shown">{{ version }}</p>{% endlive %}"""
PARTIAL = '{% load sockgate %}{% live "parts" %}<p id="partial">{{ version }}</p>{% endlive %}'


@cache
def store() -> Redis:
    return Redis.from_url(os.environ["SOCKGATE_REDIS_URL"], decode_responses=True)


def allow_nothing(request: HttpRequest, channel: str) -> bool:
    store().incr("site:authorized")
    return False


def text_of(name: str) -> str:
    return store().get(f"site:{name}") or ""


def render(request: HttpRequest, source: str, **more: Any) -> HttpResponse:
    note_fetch(request)
    rows = json.loads(text_of("rows") or "{}")
    names = text_of("names").split()
    context = {
        "rows": rows.get("all", []) + rows.get(request.user.get_username(), []),
        "version": text_of("version"),
        "long": range(200),
        "names": names,
        "channels": ["list", *names],
    }
    page = engines["django"].from_string(source)
    return HttpResponse(page.render({**context, **more}, request))


def note_fetch(request: HttpRequest) -> None:
    if request.headers.get("X-Sockgate-Live"):
        fetch = {"path": request.get_full_path(), "at": time(), **request.headers}
        store().rpush("site:fetches", json.dumps(fetch))


@login_required
def orders(request: HttpRequest) -> HttpResponse:
    status = int(text_of("status") or 200)
    if status == 302:
        note_fetch(request)
        return HttpResponseRedirect("http://localhost:1/elsewhere/")
    response = render(request, HEAD + CLIENT + BODY + ROWS + FORM)
    response.status_code = status
    return response


def page(source: str) -> Any:
    return lambda request: render(request, source)


def etag_of(request: HttpRequest) -> str:
    note_fetch(request)
    return f'"{text_of("version")}"'


urlpatterns = [
    *demo_urls,
    path("orders/", orders),
    path("tagged/", condition(etag_func=etag_of)(page(HEAD + CLIENT + BODY + FORM))),
    path("late/", page(HEAD + BODY + ROWS + CLIENT)),
    path("bare/", page(HEAD + BODY + ROWS)),
    path("nested/", login_required(page(HEAD + CLIENT + BODY + NESTED))),
    path("public/", page(HEAD + CLIENT + BODY + ROWS.replace("orders", "public:orders"))),
    path(
        "htmx/",
        page(
            HEAD + '<meta name="htmx-config" content=\'{"includeIndicatorStyles":false}\'>'
            '<script src="{% static "npm/htmx.org/dist/htmx.min.js" %}"></script>'
            + CLIENT
            + BODY
            + HTMX
        ),
    ),
    path("toasts/", page(HEAD + "{% sockgate_client live=True %}" + BODY + TOASTS)),
    path(
        "pushed/",
        page(HEAD + "{% sockgate_client live=True %}" + BODY + TOASTS.partition("{% live")[0]),
    ),
    path("part/<slug:version>/", lambda request, version: HttpResponse(f"part {version}")),
    path("partial/", page(PARTIAL)),
    path(
        "script.js",
        lambda request: HttpResponse("window.runs = (window.runs || 0) + 1", "text/javascript"),
    ),
]
