"""How frames travel over HTTP: one module for each SockJS transport.

``receiver.py`` is the base of responses that carry frames, ``polling.py`` of those that carry one,
``streaming.py`` of those that carry many. ``sender.py`` receives the messages of clients.
"""
