"""The pages of the shop: an order, which changes when it is paid."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.views.decorators.http import require_POST
from sockgate import publish, publish_to

PAGE = "{% load sockgate %}<h1>Order {{ order }}</h1>{% sockgate_client %}"


def show(request: HttpRequest, order: int) -> HttpResponse:
    """Show an order."""
    return HttpResponse(engines["django"].from_string(PAGE).render({"order": order}, request))


@require_POST
def pay(request: HttpRequest, order: int) -> HttpResponse:
    """Pay an order: its user and the staff are notified."""
    publish(request.user, "paid", {"order": order})
    publish_to("room:staff", "paid", {"order": order, "by": request.user.get_username()})
    return HttpResponse(status=204)


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    """Decide who may follow the channels of the shop (``SOCKGATE["AUTHORIZE"]``)."""
    return channel == "room:staff" and request.user.is_staff
