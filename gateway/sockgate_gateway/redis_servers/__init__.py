"""How Redis is opened (one server, a Sentinel's master, a cluster), for gateway and Django app.

It imports ``wire`` and redis-py, and neither Tornado nor Django.
"""
