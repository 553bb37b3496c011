"""SockJS over HTTP, on Tornado and sockjs-tornado: every transport but WebSocket.

sockjs-tornado is dormant. Its defects are mended by subclassing: ``router.py`` replaces its routes,
``session.py`` its session, ``transports/`` its transports and ``pages.py`` its pages. Only
``library.py`` imports it.
"""
