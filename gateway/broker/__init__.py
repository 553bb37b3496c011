"""Redis, as pub/sub and as the place where sessions are read. Only this folder imports redis.

``clients.py`` opens, ``subscriber.py`` hears, ``sessions.py`` reads, ``draining.py`` makes
hearing cheap, ``memory.py`` is the twin without a server.
"""
