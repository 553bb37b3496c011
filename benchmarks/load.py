"""The load generator: runs wsload and parses its result."""

import json
import subprocess
from dataclasses import dataclass, replace
from typing import Any

from . import build, machine
from .servers.base import OFFER_DEFLATE, Address, Dialogue, Running

GENERATOR_TIMEOUT_S = 300
KEY = "Sec-WebSocket-Key"


class GeneratorFailed(Exception):
    """wsload returned no result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load on one server. The fields are the options of wsload.

    Args:
        conns: connections.
        transport: by which dialogue.
        to_one: private messages in place of fan-out.
        seconds: how long to publish, at most ``rounds`` messages.
        broadcast_every_s: beside private messages, one for all; 0 for none.
        deflate: offer permessage-deflate, and count frames.
        sequenced: publish sequenced publications.
    """

    conns: int
    transport: str = "websocket"
    ramp: int = 64
    hold_s: int = 0
    rounds: int = 0
    seconds: float = 0
    body: int = 64
    burst: int = 1
    window: int = 0
    rate: float = 0
    to_one: bool = False
    broadcast_every_s: float = 0
    slow_percent: int = 0
    deflate: bool = False
    sequenced: bool = False


def run(running: Running, load: Load, dialogue: Dialogue) -> dict[str, Any]:
    """Put a load on a running server.

    Returns:
        The figures of wsload.

    Raises:
        GeneratorFailed: there are no figures.
    """
    command = [str(build.compiled("wsload")), *_options(running, load, dialogue)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=GENERATOR_TIMEOUT_S,
            preexec_fn=machine.pin(machine.generator_core()),
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise GeneratorFailed(f"no end after {GENERATOR_TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        raise GeneratorFailed(error.stderr.decode(errors="replace").strip()) from error
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _options(running: Running, load: Load, dialogue: Dialogue) -> list[str]:
    pids = ",".join(str(pid) for pid in running.process.pids)
    options = ["--port", str(running.port), "--pid", pids, "--redis-pid", str(running.redis.pid)]
    options += ["--conns", str(load.conns), "--ramp", str(load.ramp)]
    options += ["--hold", str(load.hold_s), "--slow", str(load.slow_percent)]
    if load.deflate:
        dialogue = replace(dialogue, hello=dialogue.hello.replace(KEY, OFFER_DEFLATE + KEY))
        options += ["--count-frames"]
    if running.tokens:
        options += ["--tokens", str(running.tokens)]
    if load.rounds:
        options += _publishing(running, load)
    return options + dialogue.options()


def _publishing(running: Running, load: Load) -> list[str]:
    server = running.server
    address = _address(running, load)
    options = _destination(running, address)
    for word in address.words:
        options += ["--word", word]
    options += ["--channel", address.channel, "--template", address.template]
    options += ["--private" if load.to_one else "--fanout", "--body", str(load.body)]
    options += ["--rounds", str(load.rounds), "--seconds", str(load.seconds)]
    options += ["--burst", str(load.burst), "--window", str(load.window), "--rate", str(load.rate)]
    if load.broadcast_every_s:
        everyone = server.to_all(load.body)
        every = str(load.broadcast_every_s)
        options += ["--broadcast", everyone.channel, everyone.template, every]
    return options


def _address(running: Running, load: Load) -> Address:
    server = running.server
    if load.sequenced:
        address = server.in_sequence(running.redis, to_one=load.to_one)
        if address is None:
            raise GeneratorFailed("it has no history for recovery")
        return address
    return server.to_one(load.body) if load.to_one else server.to_all(load.body)


def _destination(running: Running, address: Address) -> list[str]:
    if address.path:
        return ["--http-publish", str(running.port), "--http-path", address.path]
    return ["--redis", str(running.redis.port)]
