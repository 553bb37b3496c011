"""Two users side by side, and the story: each button does what the source beside it says."""

import inspect
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.client import InvalidURL
from pathlib import Path
from urllib.request import urlopen

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.forms import ModelForm, modelform_factory
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST
from sockgate import progress, publish_html, publish_to, revoke_user

from .middleware import policy
from .models import Task

HERE = Path(__file__).parent
STRIP = "room:strip"
BURST = 2_000
BURST_S = 10

SHOP = "templates/board/shop.html"
PARTS = {
    "A board that stays fresh": (
        ("models.py", r"^live_model[^\n]*"),
        (SHOP, r"^{% (?:end)?live[^\n]*"),
    ),
    "A bell with toasts": (("story.py", r"^def notify.*?^\n"),),
    "Who edits what": (("static/board/shop.js", r"^  // Who edits what\..*?^\n"),),
    "Progress of a job": (
        ("story.py", r"^def run_a_job.*?^\n"),
        (SHOP, r"{% task_progress [^\n]*?%}"),
    ),
    "Cards for the staff": (("story.py", r"^    if not request.user.is_staff:\n[^\n]*"),),
    "Covered at logout": ((SHOP, r"^{% sockgate_session_guard[^\n]*"),),
}
"""What the board is made of: files, and patterns of the lines that are Sockgate's."""


def bob_moves_a_card() -> None:
    """Bob moves a card.

    Django saves one row. Both boards are fresh, each rendered for its own viewer.
    """
    task = Task.objects.filter(is_for_staff=False).order_by("column", "pk")[0]
    task.move_on()
    notify(User.objects.get(username="alice"), f"bob moved “{task}”")


def notify(user: User, text: str) -> None:
    """Show a toast in the user's pages, and the new count at the bell."""
    user.notices.create(text=text)
    count = user.notices.count()
    publish_html(user, "toasts", "board/toast.html", {"text": text})
    publish_html(user, "bell", "board/bell.html", {"count": count}, "replace", sequenced=True)


def run_a_job() -> None:
    """A job of 60 steps.

    The bar is alice's alone. A page that is loaded meanwhile shows where it stands.
    """
    with progress(User.objects.get(username="alice"), total=60, id="stock") as bar:
        for _ in bar.track(range(60)):
            time.sleep(0.06)


def log_bob_out() -> None:
    """Log bob out here.

    His half is covered at once, and his connection is closed. Alice's goes on.
    """
    revoke_user(User.objects.get(username="bob"))


def take_alice_out_of_the_staff() -> None:
    """Take alice out of the staff.

    The staff's cards leave her page. Nothing but her account was saved.
    """
    alice = User.objects.get(username="alice")
    alice.is_staff = False
    alice.save()


def kill_the_gateway() -> None:
    """Kill the gateway.

    It dies while 100 numbers are sent. Both halves come back, and no number is missing.
    """
    for number in range(1, 101):
        publish_to(STRIP, "number", {"number": number, "sent_at": time.time()})
        if number == 30:
            gateway = Path(settings.FOLDER, "gateway.pid")
            os.kill(int(gateway.read_text()), signal.SIGKILL)
        time.sleep(0.03)


def change_50_things() -> None:
    """Alice is offline.

    She is away for 50 changes. When she is back, her half has all of them.
    """
    for number in range(1, 51):
        publish_to(STRIP, "number", {"number": number, "sent_at": time.time()})
        bob_moves_a_card()


ACTS: dict[str, Callable[[], None]] = {
    act.__name__: act
    for act in (
        bob_moves_a_card,
        run_a_job,
        log_bob_out,
        take_alice_out_of_the_staff,
        kill_the_gateway,
        change_50_things,
    )
}
SLOW = {run_a_job, kill_the_gateway}
NETWORK = """The network of 2003.

    WebSocket is blocked for alice. Her page goes on over HTTP.
    """


@ensure_csrf_cookie
def stage(request: HttpRequest) -> HttpResponse:
    """Show both users side by side."""
    if request.get_host().startswith("localhost"):
        return redirect(f"http://127.0.0.1:{request.get_port()}{request.path}")
    acts = [
        {"name": name, **described(act.__doc__), "source": inspect.getsource(act)}
        for name, act in ACTS.items()
    ]
    network = {"name": "", **described(NETWORK), "source": inspect.getsource(policy)}
    users = (("alice", "127.0.0.1"), ("bob", "localhost"))
    context = {
        "acts": [*acts, network],
        "halves": [
            (name, f"http://{host}:{request.get_port()}/enter/{name}/") for name, host in users
        ],
        "parts": [{"name": name, "source": source} for name, source in parts()],
    }
    return render(request, "board/stage.html", context)


def described(text: str | None) -> dict[str, str]:
    """Return the label of an act, and what there is to see in the halves."""
    label, watch = inspect.cleandoc(text or "").split("\n\n")
    return {"label": label.rstrip("."), "watch": watch}


def parts() -> Iterator[tuple[str, str]]:
    """Yield the parts of the board, each with the lines that make it live."""
    for label, excerpts in PARTS.items():
        found = [
            re.findall(pattern, (HERE / file).read_text(), re.MULTILINE | re.DOTALL)
            for file, pattern in excerpts
        ]
        yield label, "\n".join(line.rstrip() for lines in found for line in lines)


def figures(request: HttpRequest) -> JsonResponse:
    """Return what the gateway has delivered; nothing while it is away."""
    measured = measure()
    return JsonResponse({"deliveries": measured[0]} if measured else {})


def measure() -> tuple[float, float] | None:
    """Return the deliveries of the gateway, and its seconds of CPU; None while it is away."""
    url = f"http://127.0.0.1:{os.environ.get('SOCKGATE_OPS_PORT')}/metrics"
    try:
        with urlopen(url, timeout=1) as answer:
            metrics = answer.read().decode()
        pid = Path(settings.FOLDER, "gateway.pid").read_text()
        cpu_ns = int(Path("/proc", pid, "schedstat").read_text().split()[0])
    except (OSError, InvalidURL):
        return None
    lines = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line[:1] != "#")
    return float(lines["sockgate_deliveries_total"]), cpu_ns / 1e9


@require_POST
def burst(request: HttpRequest) -> JsonResponse:
    """Publish to both halves as fast as Django can, and return what a delivery costs.

    The cost is the CPU of the gateway from the first publication until nothing more is delivered.
    """
    before = after = measure()
    for number in range(BURST):
        publish_to(STRIP, "burst", {"number": number, "sent_at": time.time()})
    ends = time.monotonic() + BURST_S
    while before and time.monotonic() < ends:
        time.sleep(0.1)
        former, after = after, measure()
        if not after or after[0] == former[0]:
            break
    if not before or not after or after[0] <= before[0]:
        return JsonResponse({})
    deliveries = after[0] - before[0]
    cost_us = 1e6 * (after[1] - before[1]) / deliveries
    return JsonResponse({"deliveries": deliveries, "cost_us": round(cost_us, 1)})


@require_POST
def play(request: HttpRequest, act: str) -> HttpResponse:
    """Let one act of the story happen."""
    if act not in ACTS:
        raise Http404
    if ACTS[act] in SLOW:
        threading.Thread(target=ACTS[act], daemon=True).start()
    else:
        ACTS[act]()
    return HttpResponse(status=204)


@xframe_options_exempt
def enter(request: HttpRequest, name: str) -> HttpResponse:
    """Log an account of the demo in, without its password; alice begins on the staff."""
    if name not in ("alice", "bob"):
        raise Http404
    user = get_object_or_404(User, username=name)
    user.is_staff = name == "alice"
    user.save()
    login(request, user)
    return redirect(f"{reverse('shop')}?{request.GET.urlencode()}")


@xframe_options_exempt
@login_required
def shop(request: HttpRequest) -> HttpResponse:
    """Show the kanban to one user."""
    tasks = Task.objects.order_by("pk")
    if not request.user.is_staff:
        tasks = tasks.filter(is_for_staff=False)
    columns = [
        (title, [(task, edit_form(task)) for task in tasks if task.column == number])
        for number, title in enumerate(Task.COLUMNS)
    ]
    context = {
        "columns": columns,
        "strip": STRIP,
        "numbers": range(1, 101),
        "count": request.user.notices.count(),
    }
    return render(request, "board/shop.html", context)


def edit_form(task: Task, data: QueryDict | None = None) -> ModelForm:
    """Return Django's form of one card; a page shows many, each with its own ids."""
    form = modelform_factory(Task, fields=["title", "column"])
    return form(data, instance=task, auto_id=f"task-{task.pk}-%s")


@login_required
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the form of a card, or move the card: to a column or, without one, on to the next."""
    task = get_object_or_404(Task, pk=pk)
    if task.is_for_staff and not request.user.is_staff:
        raise Http404
    if "title" in request.POST:
        form = edit_form(task, request.POST)
        if not form.is_valid():
            return render(request, "board/edit.html", {"form": form}, status=422)
        form.save()
    elif (column := request.POST.get("column", "")) in map(str, range(len(Task.COLUMNS))):
        task.column = int(column)
        task.save()
    else:
        task.move_on()
    return redirect("shop")


@login_required
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Empty the user's bell, in all of their pages."""
    request.user.notices.all().delete()
    publish_html(request.user, "bell", "board/bell.html", {"count": 0}, "replace", sequenced=True)
    return redirect("shop")
