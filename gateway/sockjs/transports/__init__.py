"""How frames travel over HTTP: one module for each SockJS transport.

``receiver.py`` is any response that carries frames, ``polling.py`` one that carries one,
``streaming.py`` one that carries many; ``sender.py`` takes what browsers send.
"""
