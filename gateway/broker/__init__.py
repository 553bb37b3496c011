"""Redis, as pub/sub and as the place where sessions are read. Only this folder imports redis.

``clients.py`` opens one server (``servers.py``), the master that Sentinels name (``sentinel.py``)
or a cluster (``cluster.py``); ``subscriber.py`` hears, ``sessions.py`` reads, ``draining.py`` makes
hearing cheap, ``memory.py`` is the twin without a server.
"""
