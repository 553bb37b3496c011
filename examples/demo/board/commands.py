"""Shell commands that push to the page, with the real port and user."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from sockgate import channel_name


class Command(NamedTuple):
    """A command line and its label."""

    label: str
    line: str


def commands_for(uid: str) -> list[Command]:
    """List commands that push to this user, and one that pushes to everyone."""
    own, everyone = channel_name(f"user:{uid}"), channel_name("broadcast")
    port = settings.REDIS_PORT
    # SOCKGATE_REDIS_URL may contain a password, so the page shows only the variable's name.
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
    # On machines without Node.js, make links one in .venv/bin, which is only on the path of make.
    return ".venv/bin/node" if (Path(sys.prefix) / "bin/node").exists() else "node"


def _news(title: str) -> str:
    return json.dumps({"event": "news", "data": {"title": title}}, separators=(",", ":"))
