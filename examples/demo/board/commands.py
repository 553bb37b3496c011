"""The plain commands that push to the page, with the real port and the real user in them."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from gateway.wire.names import BROADCAST, Names, user_channel

NAMES = Names()


class Command(NamedTuple):
    """A line for a terminal, and what it is written in."""

    label: str
    line: str


def commands_for(uid: str) -> list[Command]:
    """List commands that push to this user, and one that pushes to everyone."""
    own, everyone = NAMES.channel(user_channel(uid)), NAMES.channel(BROADCAST)
    port = settings.REDIS_PORT
    # A URL that was given may hold a password: the shell fills it in, the page does not show it.
    url = f"redis://127.0.0.1:{port}" if port else '"$SOCKGATE_REDIS_URL"'
    redis_cli = f"redis-cli -p {port}" if port else f"redis-cli -u {url}"
    return [
        Command("Shell", f"{redis_cli} PUBLISH {own} '{_news('Djangocon 2012')}'"),
        Command("To everyone", f"{redis_cli} PUBLISH {everyone} '{_news('Hello, all')}'"),
        Command("Python", f".venv/bin/python examples/publish_redis.py {url} {own} Python"),
        Command("Node.js", f"{_node()} examples/publish.js {url} {own} Node.js"),
        Command("Plain text", f"{redis_cli} PUBLISH {own} 'no JSON at all'"),
    ]


def _node() -> str:
    # make puts .venv/bin, where it links Node.js on machines that have none, on its own path only.
    return ".venv/bin/node" if (Path(sys.prefix) / "bin/node").exists() else "node"


def _news(title: str) -> str:
    return json.dumps({"event": "news", "data": {"title": title}}, separators=(",", ":"))
