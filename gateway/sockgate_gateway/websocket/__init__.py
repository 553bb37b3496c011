"""The WebSocket transport: RFC 6455 on sockets of our own, with SockJS framing or raw.

``upgrade.py`` and ``fast_path.py`` receive requests, ``accept.py`` and ``handshake.py`` accept or
refuse them, ``frames.py`` and ``framing.py`` encode, ``stream.py`` moves bytes.
"""
