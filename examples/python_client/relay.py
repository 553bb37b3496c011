"""A service on asyncio: answers each order that is announced on a channel.

    SITE=https://shop.example SESSION=<cookie sessionid> python relay.py

The namespace of the channel has ``"publish": "subscribers"``.
"""

import asyncio
import os

from sockgate.client import AsyncClient, Message, SiteSession

CHANNEL = "orders:new"


async def relay(client: AsyncClient) -> None:
    """Confirm orders until the connection is closed."""
    await client.subscribe(CHANNEL)
    async for event in client:
        if isinstance(event, Message) and event.event == "order":
            await client.publish(CHANNEL, "client-confirmed", {"id": event.data["id"]})


async def main() -> None:
    """Connect with a session of the site."""
    source = SiteSession(os.environ["SITE"], {"sessionid": os.environ["SESSION"]})
    async with AsyncClient(source) as client:
        await relay(client)


if __name__ == "__main__":
    asyncio.run(main())
