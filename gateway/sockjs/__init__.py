"""SockJS over HTTP, on Tornado and sockjs-tornado: whatever is not a WebSocket.

sockjs-tornado is dormant, so what it lacks is mended from outside, by subclassing: ``router.py``
swaps its routes, ``session.py`` its session, ``transports/`` its transports and ``pages.py`` its
pages. ``library.py`` alone imports it.
"""
