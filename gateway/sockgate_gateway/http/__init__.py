"""The way of an HTTP request before a handler or a WebSocket serves it.

Limits on connections without a complete request, checks of the request's head, origins, trusted
proxies, and the relay between workers that share a port.
"""
