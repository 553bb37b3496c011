"""The demo's site with a page that shows HTML of its users, around Django's tags and in them."""

import secrets

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path
from django.utils.safestring import SafeString

from tests.browser.hostile import SANITIZERS, sanitized
from tests.e2e.demo_urls import urlpatterns as demo

PAGE = """{% load sockgate %}<!doctype html><html lang="en"><head><title>Post</title></head>
<body><div id="above">{{ content }}</div>
<div id="secret">{% task_progress "job" label="Export" %}</div>
{% live "orders" tag="section" %}
{% if is_fresh %}<b>fresh</b>{% else %}<div>{{ content }}</div>{% endif %}
<form method="post">{% csrf_token %}{% if note %}<p class="errorlist">Too long</p>{% endif %}
<input name="note" value="{{ note }}"></form>
{% endlive %}{% sockgate_client shared=shared %}{% sockgate_session_guard %}
<div id="below">{{ content }}</div>
<script src="/connect.js{{ query }}" nonce="{{ request.csp_nonce }}"></script></body></html>"""

POLICY = (
    "worker-src 'self'; base-uri 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types sockgate"
)


def post(request: HttpRequest) -> HttpResponse:
    """A page; when it is refreshed, its live fragment has no content of users any more.

    ``?attack=`` names one in place of all; ``?transport=`` and ``?shared`` are for the
    client; with ``?plain``, the policy has no nonce, which Django's blocks carry.
    """
    nonce = "" if "plain" in request.GET else secrets.token_urlsafe()
    request.csp_nonce = nonce
    attack, transport = request.GET.get("attack", ""), request.GET.get("transport")
    values = {
        "content": SafeString("".join(sanitized(by, attack) for by in SANITIZERS)),
        "shared": "shared" in request.GET,
        "query": f"?transport={transport}" if transport else "",
        "note": request.POST.get("note", ""),
        "is_fresh": "X-Sockgate-Live" in request.headers,
    }
    response = HttpResponse(Template(PAGE).render(RequestContext(request, values)))
    scripts = f"'nonce-{nonce}'" if nonce else "'self'"
    response["Content-Security-Policy"] = f"script-src {scripts}; {POLICY}"
    return response


def connect(request: HttpRequest) -> HttpResponse:
    """The page's own script. The grant is requested with the CSRF token."""
    transport = request.GET.get("transport", "auto")
    script = f'var rt = Sockgate.connect({{transport: "{transport}"}}); rt.subscribe("room:1");'
    return HttpResponse(script, content_type="text/javascript")


urlpatterns = [*demo, path("post/", login_required(post)), path("connect.js", connect)]
