"""Django Channels with channels_redis' pub/sub layer, the faster of its two.

In the environment: REDIS_URL. Run with the argument ``message``, it says how the layer writes a
message of the given text.
"""

import os
import sys

import django
from django.conf import settings
from django.urls import re_path

settings.configure(
    SECRET_KEY="benchmark",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://127.0.0.1")]},
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402


class Push(AsyncWebsocketConsumer):
    async def connect(self):
        self.groups_joined = ("news", f"user.{self.scope['url_route']['kwargs']['user']}")
        for group in self.groups_joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        await self.send("welcome")

    async def disconnect(self, code):
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def push(self, event):
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter(
    {"websocket": URLRouter([re_path(r"push/(?P<user>\d+)", Push.as_asgi())])}
)

if sys.argv[1:2] == ["message"]:
    print(get_channel_layer().serialize({"type": "push", "text": sys.argv[2]}).hex())
