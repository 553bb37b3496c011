"""Flash messages that a live request has rendered are there for the next page."""

from typing import Any

import pytest
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from django.urls import path

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

SHOWN = "{% for one in messages %}[{{ one }}]{% endfor %}"
PAGES = {
    "before": f"{SHOWN}{{% load sockgate %}}{{% live 'orders' %}}{{% endlive %}}",
    "after": f"{{% load sockgate %}}{{% live 'orders' %}}{{% endlive %}}{SHOWN}",
}


def show(request: HttpRequest, page: str) -> HttpResponse:
    if "add" in request.GET:
        messages.info(request, request.GET["add"])
    template = engines["django"].from_string(PAGES[page])
    context = {"messages": messages.get_messages(request)}
    return HttpResponse(template.render(context, request))


def add(request: HttpRequest) -> HttpResponse:
    messages.info(request, "saved")
    return HttpResponse()


urlpatterns = [path("add/", add), path("<page>/", show)]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("storage", ["session.Session", "cookie.Cookie", "fallback.Fallback"])
def test_live_request_consumes_no_message(
    client: Client, sockgate: Any, settings: Any, storage: str, page: str
) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MESSAGE_STORAGE = f"django.contrib.messages.storage.{storage}Storage"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    client.get("/add/")
    for _ in range(2):
        response = client.get(f"/{page}/", headers={"X-Sockgate-Live": "1"})
        assert b"[saved]" in response.content
    live = client.get(f"/{page}/?add=more", headers={"X-Sockgate-Live": "1"})
    assert b"[saved][more]" in live.content
    assert b"[saved][more]" in client.get(f"/{page}/").content
    assert b"[" not in client.get(f"/{page}/").content
