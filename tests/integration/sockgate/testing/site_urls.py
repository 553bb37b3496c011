"""A site with one page that connects, and one that publishes."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from django.views.decorators.http import require_POST
from sockgate import publish

PAGE = """{% load sockgate %}<title>Orders</title>{% sockgate_client %}
<script>window.rt = Sockgate.connect();</script>"""
LIVE = """{% load sockgate %}{% sockgate_client channels="room:9" %}
{% live "orders" %}{% endlive %}<p>{"data-sockgate": "live"}</p>"""


def page(request: HttpRequest, template: str = PAGE) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(template).render({}, request))


@require_POST
def pay(request: HttpRequest, order: int) -> HttpResponse:
    publish(request.user, "paid", {"order": order})
    return HttpResponse(status=204)


urlpatterns = [
    path("page/", page),
    path("live/", page, {"template": LIVE}),
    path("plain/", lambda _: HttpResponse("no client here")),
    path("pay/<int:order>/", pay),
    path("realtime/", include("sockgate.urls")),
]
