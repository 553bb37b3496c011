"""The gateway without one of its techniques. argv: the technique.

Each technique is replaced at one place by a simple implementation. Everything else stays.
"""

import asyncio
import sys

from sockgate_gateway import cli
from sockgate_gateway.broker.pubsub_protocol import PubSubProtocol
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.loop import batching
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.redis_servers.connection import HiredisConnection
from sockgate_gateway.server import listeners, worker_process
from sockgate_gateway.websocket.epoll import LoopPoller
from sockgate_gateway.websocket.stream import SocketStream


def encode_for_each(self, encode):
    return encode(self)


def write_when_writable(self, data, conflation_key=None):
    self._queue(data, conflation_key)


def take_one_by_one(self, data):
    """Process each publication in a loop iteration of its own."""
    self._reader.feed(data)
    for reply in iter(self._reader.gets, False):
        asyncio.get_running_loop().call_soon(self._handle, iter([reply]))


def schedule_in_the_loop(self, handler, delay_s):
    """Use one timer of the event loop for each deadline."""
    loop = asyncio.get_running_loop()
    loop.call_later(delay_s, lambda: self._call(handler, self.clock()))


def without(technique):
    if technique == "shared_encoding":
        Batch.encode = encode_for_each
    elif technique == "direct_write":
        SocketStream.write = write_when_writable
    elif technique == "draining":
        PubSubProtocol.data_received = take_one_by_one
    elif technique == "batched_checks":
        batching.MAX_BATCH = 1
    elif technique == "hiredis_packing":
        del HiredisConnection.pack_command
    elif technique == "shortcut":
        listeners.FastPath = lambda acceptor, pending, answer_early: None
    elif technique == "own_epoll":
        listeners.open_poller = LoopPoller
    elif technique == "timer_wheel":
        TimerWheel.schedule = schedule_in_the_loop
    elif technique == "tuned_collector":
        worker_process.tune_collector = lambda: None
    else:
        raise SystemExit(f"no such technique: {technique}")


if __name__ == "__main__":
    without(sys.argv[1])
    raise SystemExit(cli.main([]))
