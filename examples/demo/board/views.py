"""The demo's page, and the views of its forms."""

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST
from sockgate import broadcast, publish, publish_to

from .commands import commands_for
from .realtime import LOBBY

ACCOUNTS = ("alice", "bob", "admin")

TRANSPORTS = (
    "websocket",
    "xhr-streaming",
    "xhr-polling",
    "iframe-eventsource",
    "iframe-htmlfile",
    "iframe-xhr-polling",
    "jsonp-polling",
)


@login_required
def board(request: HttpRequest) -> HttpResponse:
    """Show the page; ``?transport=`` forces a transport."""
    users = User.objects.order_by("pk")
    context = {
        "users": users,
        "names": {str(user.pk): user.username for user in users},
        "lobby": LOBBY,
        "transports": TRANSPORTS,
        "chosen": request.GET.get("transport", ""),
        "commands": commands_for(str(request.user.pk)),
        "other_host": "localhost" if request.get_host().startswith("127.") else "127.0.0.1",
    }
    return render(request, "board/board.html", context)


@login_required
@require_POST
def notify(request: HttpRequest) -> JsonResponse:
    """Publish to one user."""
    user = get_object_or_404(User, username=request.POST.get("to"))
    publish(user, _event(request), _data(request))
    return JsonResponse({"sent": f"Sent to {user.username}."})


@login_required
@require_POST
def say(request: HttpRequest) -> JsonResponse:
    """Publish to the lobby. Its history recovers messages after a short absence."""
    publish_to(LOBBY, "said", _data(request))
    return JsonResponse({"sent": "Sent to the lobby."})


@permission_required("sockgate.send_broadcast", raise_exception=True)
@require_POST
def announce(request: HttpRequest) -> JsonResponse:
    """Publish to everyone."""
    broadcast(_event(request), _data(request))
    return JsonResponse({"sent": "Sent to everyone."})


def _event(request: HttpRequest) -> str:
    return request.POST.get("event") or "news"


def _data(request: HttpRequest) -> dict[str, str]:
    return {"title": request.POST.get("title", ""), "from": request.user.get_username()}
