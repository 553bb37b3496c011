"""WebSocket, with SockJS framing or raw: RFC 6455 on sockets of our own.

``door.py`` meets every HTTP request first and lets WebSockets in before a request handler
exists; ``handshake.py`` decides; ``frames.py`` reads and writes frames; ``link.py`` moves bytes;
``transport.py`` is the connection's transport.
"""
