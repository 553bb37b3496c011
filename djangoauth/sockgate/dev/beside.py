"""Running the servers beside ``runserver``: what Django's processes do.

The *owner* is the process that starts the supervisor: the reloader's parent, or the only process
with ``--noreload``. A *member* is a child of the reloader, which runs the site. Each new member
sends the supervisor the plan of its settings, so that a save of the settings takes effect.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV
from redis import Redis, RedisError

from .. import conf
from ..channels import namespaces
from ..channels.online_sender import SignalSender
from ..conf.defaults import debug_defaults, embedded_valkey
from ..redis_clients.clients import open_client
from ..redis_clients.embedded import EmbeddedPassword
from ..redis_clients.time_budget import time_budget
from ..sessions.base import recorded_engine
from ..users import outdated
from .origins import page_origin
from .planning import (
    GatewayElsewhere,
    Place,
    Served,
    check_port,
    exposure_warning,
    find_place,
    make_plan,
)
from .plans import write_plan

PIPE_VARIABLE = "DJANGO_SOCKGATE_PIPE"
"""For members: the owner's process id, the descriptor of the pipe, the port of the gateway."""

VALKEY_START_S = 20.0
STOP_TIMEOUT_S = 15.0
CHECK_S = 0.05
DEVELOPMENT_CLAIM_AFTER_S = 10.0
"""The reloader kills a process at every save; the next one finishes its events after this time."""

OWNER_CHECK_S = 0.5
"""How often a member checks that its owner lives."""

Note = Callable[[str], object]


def servers_beside(
    served: Served, note: Note, *, use_reloader: bool
) -> AbstractContextManager[None]:
    """Run the servers as long as the block.

    Args:
        served: what ``runserver`` serves.
        note: writes a line for the developer.
        use_reloader: whether Django reloads.
    """
    if use_reloader and os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
        if PIPE_VARIABLE in os.environ:
            return _member(served, note)
        # The project could not be imported when runserver started, so the parent runs Django's own
        # command. This child becomes a parent itself, with the servers beside it.
        del os.environ[DJANGO_AUTORELOAD_ENV]
    return _owner(served, note, use_reloader=use_reloader)


@contextmanager
def _owner(served: Served, note: Note, *, use_reloader: bool) -> Iterator[None]:
    place = _find_place(served, note, chosen_port=None)
    debug_defaults.share_site_url(page_origin(served.address, served.port))
    if place:
        check_port(served, place)
        debug_defaults.share_gateway_url(f":{place.port}{place.prefix}")
    else:
        os.environ[debug_defaults.GATEWAY_URL_VARIABLE] = conf.DEFAULT_GATEWAY_URL
    if warning := exposure_warning(served, os.environ):
        note(f"[gateway] {warning}")
    supervisor = _Supervisor(note)
    try:
        if use_reloader:
            supervisor.share_pipe(place.port if place else 0)
        try:
            _send_plan(served, supervisor.pipe, place)
        except ImproperlyConfigured as error:  # The member reports all of it, and may be mended.
            note(f"[gateway] does not start with these settings: {error}")
        if not use_reloader:
            _begin_site(note)
        yield
    finally:
        supervisor.stop()


@contextmanager
def _member(served: Served, note: Note) -> Iterator[None]:
    owner, pipe, port = map(int, os.environ[PIPE_VARIABLE].split())
    _end_with(owner)
    try:
        _send_plan(served, pipe, _find_place(served, note, chosen_port=port or None))
    except (CommandError, ImproperlyConfigured) as error:
        note(f"[gateway] keeps its former settings: {error}")
    except OSError:
        note("[gateway] its supervisor has ended: start runserver again")
    _begin_site(note)
    yield


def _find_place(served: Served, note: Note, *, chosen_port: int | None) -> Place | None:
    if not served.use_gateway:
        return None
    try:
        return find_place(served, os.environ, chosen_port)
    except GatewayElsewhere:
        note('[gateway] is not started: SOCKGATE["GATEWAY_URL"] names one that runs elsewhere')
        return None


def _send_plan(served: Served, pipe: int, place: Place | None) -> None:
    plan = make_plan(served, os.environ, place)
    data = write_plan(plan)
    while data:
        data = data[os.write(pipe, data) :]
    if plan.valkey_folder:
        _wait_for_valkey(Path(plan.valkey_folder))


def _wait_for_valkey(folder: Path) -> None:
    deadline = time.monotonic() + VALKEY_START_S
    url = embedded_valkey.url_of(folder)
    with open_client(url, retries=0, credentials=EmbeddedPassword(folder, url)) as client:
        while not _answers(client):
            if time.monotonic() > deadline:
                raise CommandError(
                    "The embedded Valkey does not answer. The lines marked [redis] say why. Either "
                    f"delete {folder}, which ends all logins, or name a Redis with "
                    'SOCKGATE["REDIS_URL"].'
                )
            time.sleep(CHECK_S)


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _begin_site(note: Note) -> None:
    _forget_outdated(note)
    _write_namespaces()
    _send_signals()


def _forget_outdated(note: Note) -> None:
    """Bring records up to date that changed while Redis did not run."""
    with suppress(RedisError, ImproperlyConfigured), time_budget(conf.current().page_timeout):
        is_mirrored = hasattr(recorded_engine(), "watch_rows")
        if outdated.forget_outdated(are_sessions_mirrored=is_mirrored):
            note("[redis] knows the users that changed while it did not run")


def _write_namespaces() -> None:
    """Write the namespaces, so that a save of the settings changes open pages, too."""
    with suppress(RedisError, ImproperlyConfigured), time_budget(conf.current().page_timeout):
        namespaces.sync()


def _send_signals() -> None:
    """Send ``user_online`` and ``user_offline`` from this process, which has the site's receivers.

    In production the command ``sockgate_signals`` does so. The thread ends with the process.
    """
    with suppress(ImproperlyConfigured):
        if conf.current().presence_signals:
            sender = SignalSender(DEVELOPMENT_CLAIM_AFTER_S)
            threading.Thread(target=sender.run, daemon=True, name="sockgate-signals").start()


def _end_with(owner: int) -> None:
    """End this process when its owner was killed, which Django's reloader does not do."""
    if os.getppid() == owner:
        threading.Thread(target=_follow, args=(owner,), daemon=True, name="sockgate-owner").start()


def _follow(owner: int) -> None:
    while os.getppid() == owner:
        time.sleep(OWNER_CHECK_S)
    os._exit(1)


class _Supervisor:
    """The process that runs the servers; its session is its own, so Ctrl-C does not reach it."""

    def __init__(self, note: Note) -> None:
        command = [sys.executable, "-m", "sockgate.dev", str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        assert self._process.stdin is not None  # noqa: S101  (for the type checker)
        self.pipe = self._process.stdin.fileno()
        self._note = note
        self._is_stopping = False
        threading.Thread(target=self._report_end, daemon=True, name="sockgate-supervisor").start()

    def share_pipe(self, port: int) -> None:
        """Let the children of the reloader inherit the pipe, and know the port of the gateway."""
        os.set_inheritable(self.pipe, True)
        os.environ[PIPE_VARIABLE] = f"{os.getpid()} {self.pipe} {port}"

    def stop(self) -> None:
        """Stop the servers and wait for their end; a second Ctrl-C ends the wait."""
        self._is_stopping = True
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.wait()

    def _report_end(self) -> None:
        status = self._process.wait()
        if not self._is_stopping:
            self._note(f"[gateway] its supervisor ended ({status}): start runserver again")
