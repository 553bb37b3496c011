"""The gateway with one of its techniques taken out. argv: which one.

Each is replaced at its own seam by what one would write at first; everything else stays.
"""

import asyncio
import sys

from gateway import admission, app, cli, listeners
from gateway.batch import Batch
from gateway.broker.draining import Drainage
from gateway.websocket.link import SocketLink


def encode_for_each(self, encode):
    return encode(self)


def write_when_writable(self, data, conflation_key=None):
    self._keep(data, conflation_key)


def take_one_by_one(self, data):
    """Hand over a turn of the loop for each publication."""
    self._reader.feed(data)
    for reply in iter(self._reader.gets, False):
        asyncio.get_running_loop().call_soon(self._take, [reply])


def without(technique):
    if technique == "shared_encoding":
        Batch.encode = encode_for_each
    elif technique == "direct_write":
        SocketLink.write = write_when_writable
    elif technique == "draining":
        Drainage.data_received = take_one_by_one
    elif technique == "batched_checks":
        admission.MAX_BATCH = 1
    elif technique == "shortcut":
        del listeners.Server._handle_connection
    elif technique == "tuned_collector":
        app.tune_collector = lambda: None
    else:
        raise SystemExit(f"no such technique: {technique}")


without(sys.argv[1])
raise SystemExit(cli.main([]))
