"""python-socketio on ASGI with its Redis manager. In the environment: REDIS_URL."""

import os

import socketio

server = socketio.AsyncServer(
    async_mode="asgi", client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"])
)
application = socketio.ASGIApp(server)


@server.event
async def connect(sid, environ, auth):
    await server.enter_room(sid, f"user:{auth['user']}")
