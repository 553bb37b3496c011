"""A site with live pages. What they show is in Redis, so that a test changes it in any process."""

import json
import os
import re
from functools import cache
from pathlib import Path
from time import sleep, time
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import path
from django.views.decorators.http import condition
from redis import Redis

from tests.browser.live import board
from tests.e2e.demo_urls import urlpatterns as demo_urls

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
<div id="kept">{{ version }}{% live_keep %}</div>
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
EXTENSION = """<div hx-ext="sockgate"><button id="paid" sg-channel="orders" sg-on="paid gap"
hx-get="/part/paid/" hx-trigger="sg:paid" hx-target="#part"></button>
<div id="own" sg-channel="broadcast" hx-get="/part/touched/" hx-trigger="sg:touch"></div></div>
<div id="part"></div>"""
SOURCE = """<sockgate-stream-source channel="orders"></sockgate-stream-source>
<ul id="streamed"></ul>"""
PARTIAL = '{% load sockgate %}{% live "parts" %}<p id="partial">{{ version }}</p>{% endlive %}'

TRUSTED = """<meta http-equiv="Content-Security-Policy"
content="require-trusted-types-for 'script'; trusted-types sockgate default">"""
CARD = """{% live "orders" %}<h1 id="stock">{{ version }}</h1>
<form method="post" id="card">{% csrf_token %}{{ form.as_p }}<button>Save</button></form>
{% endlive %}<div id="fields"></div>"""

ALERT = """{% live "orders" %}<h1 id="stock">{{ version }}</h1>
{% if request.method == "POST" %}<p role="alert">Your card was declined</p>{% endif %}{% endlive %}
<form method="post" id="pay">{% csrf_token %}<button>Pay</button></form>"""

HTMX_JS = "npm/htmx.org/dist/htmx.min.js"
TURBO_JS = "npm/@hotwired/turbo/dist/turbo.es2017-umd.js"
LIBRARIES = {
    "alpine": "npm/@alpinejs/csp/dist/cdn.min.js",
    "stimulus": "npm/@hotwired/stimulus/dist/stimulus.umd.js",
}
RECIPES = ("/extension/", "/streams/", "/alpine/", "/stimulus/")
"""Their pages carry a grant."""

FRONTENDS = Path(__file__).parents[3] / "docs" / "frontends.md"


@cache
def store() -> Redis:
    return Redis.from_url(os.environ["SOCKGATE_REDIS_URL"], decode_responses=True)


def allow_nothing(request: HttpRequest, channel: str) -> bool:
    store().incr("site:authorized")
    return request.path in RECIPES


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
    sleep(float(request.GET.get("seconds", 0)))
    response = render(request, HEAD + CLIENT + BODY + ROWS + FORM)
    response.status_code = status
    return response


def page(source: str) -> Any:
    return lambda request: render(request, source)


def with_scripts(body: str, *names: str) -> str:
    """Return a page with the client, scripts from static files in this order, and a body."""
    tags = "".join(f"""<script src="{{% static '{name}' %}}"></script>""" for name in names)
    grants = '{% sockgate_client channels="orders" %}'
    config = '<meta name="htmx-config" content=\'{"includeIndicatorStyles":false}\'>'
    return HEAD + config + grants + tags + BODY + body


def recipe_of(name: str, kind: str) -> str:
    """Return a code block of docs/frontends.md: the first one of a kind below a heading."""
    section = FRONTENDS.read_text("utf-8").lower().index(f"## {name}")
    found = re.compile(rf"```{kind}\n(.*?)```", re.DOTALL).search(
        FRONTENDS.read_text("utf-8"), section
    )
    assert found, name
    return found[1]


def recipe_page(name: str) -> Any:
    """Show the page of a recipe, with its library and its script, as the document has them."""
    library = "<script src=\"{% static '" + LIBRARIES[name] + "' %}\"></script>"
    recipe = f'<script src="/recipes/{name}.js"></script>'
    scripts = recipe + library if name == "alpine" else library + recipe
    if name == "alpine":
        scripts = scripts.replace(" src", " defer src")
    grants = '{% sockgate_client channels="orders" %}'
    return lambda request: render(request, HEAD + grants + BODY + recipe_of(name, "html") + scripts)


def script(text: str) -> HttpResponse:
    return HttpResponse(text, "text/javascript")


class CardForm(forms.Form):
    title = forms.CharField(max_length=10, widget=forms.TextInput)
    color = forms.ChoiceField(choices=[("red", "red"), ("blue", "blue")])
    done = forms.BooleanField(required=False)


def card(request: HttpRequest) -> HttpResponse:
    initial = {"title": text_of("title")}
    form = CardForm(request.POST or None, initial=initial)
    return render(request, HEAD + TRUSTED + CLIENT + BODY + CARD, form=form)


def etag_of(request: HttpRequest) -> str:
    note_fetch(request)
    return f'"{text_of("version")}"'


urlpatterns = [
    *demo_urls,
    *board.pages(render, text_of),
    path("orders/", orders),
    path("tagged/", condition(etag_func=etag_of)(page(HEAD + CLIENT + BODY + FORM))),
    path("clock/", page(HEAD + CLIENT + BODY + FORM.replace('"stock" %', '"stock" every=1 %'))),
    path("alert/", page(HEAD + CLIENT + BODY + ALERT)),
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
    path("card/", login_required(card)),
    path("toasts/", page(HEAD + "{% sockgate_client live=True %}" + BODY + TOASTS)),
    path(
        "pushed/",
        page(HEAD + "{% sockgate_client live=True %}" + BODY + TOASTS.partition("{% live")[0]),
    ),
    path("extension/", page(with_scripts(EXTENSION, HTMX_JS, "sockgate/sockgate-htmx.js"))),
    path("streams/", page(with_scripts(SOURCE, TURBO_JS, "sockgate/sockgate-turbo.js"))),
    path("alpine/", recipe_page("alpine")),
    path("stimulus/", recipe_page("stimulus")),
    path("recipes/<slug:name>.js", lambda request, name: script(recipe_of(name, "js"))),
    path("part/<slug:version>/", lambda request, version: HttpResponse(f"part {version}")),
    path("partial/", page(PARTIAL)),
    path(
        "script.js",
        lambda request: script("window.runs = (window.runs || 0) + 1"),
    ),
]
