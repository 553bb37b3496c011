"""sockjs-tornado as its README and examples show it, fed by redis-py. argv: port, Redis port.

A client's first message names its user.
"""

import asyncio
import sys
import warnings

from redis.asyncio import Redis
from tornado import web

warnings.simplefilter("ignore")
from sockjs.tornado import SockJSConnection, SockJSRouter  # noqa: E402

everyone = set()
by_user = {}
pubsub = None


class PushConnection(SockJSConnection):
    user = None

    def on_open(self, request):
        everyone.add(self)

    def on_message(self, user):
        self.user = user
        by_user.setdefault(f"user:{user}", set()).add(self)
        asyncio.get_running_loop().create_task(self.enter())

    async def enter(self):
        await pubsub.subscribe(f"user:{self.user}")
        self.send("welcome")

    def on_close(self):
        everyone.discard(self)
        by_user.get(f"user:{self.user}", set()).discard(self)


async def main(port, redis_port):
    global pubsub
    pubsub = Redis(port=redis_port, decode_responses=True).pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe("news")
    router = SockJSRouter(PushConnection, "/push")
    web.Application(router.urls, log_function=lambda handler: None).listen(
        port, "127.0.0.1", backlog=4096
    )
    async for message in pubsub.listen():
        clients = everyone if message["channel"] == "news" else by_user[message["channel"]]
        router.broadcast(set(clients), message["data"])


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
