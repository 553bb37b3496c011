"""The gateway with one of its techniques taken out. argv: which one.

Each is replaced at its own seam by what one would write at first; everything else stays.
"""

import sys

from gateway import app, cli
from gateway.batch import Batch
from gateway.broker import batching
from gateway.broker.draining import DrainingParser
from gateway.websocket.link import SocketLink

drain = DrainingParser.read_response


def encode_for_each(self, encode):
    return encode(self)


def write_when_writable(self, data, conflation_key=None):
    self._keep(data, conflation_key)


async def read_one(self, *args, **kwargs):
    """Keep what was drained, and hand it over one by one, a turn of the loop for each."""
    kept = self.__dict__.setdefault("_kept", [])
    if not kept:
        drained = await drain(self, *args, **kwargs)
        if not (isinstance(drained, list) and drained and isinstance(drained[0], list)):
            return drained
        kept += drained
    return [kept.pop(0)]


def without(technique):
    if technique == "shared_encoding":
        Batch.encoded = encode_for_each
    elif technique == "direct_write":
        SocketLink.write = write_when_writable
    elif technique == "draining":
        DrainingParser.read_response = read_one
    elif technique == "batched_checks":
        batching.MAX_BATCH = 1
    elif technique == "tuned_collector":
        app.tune_collector = lambda: None
    else:
        raise SystemExit(f"no such technique: {technique}")


without(sys.argv[1])
raise SystemExit(cli.main([]))
