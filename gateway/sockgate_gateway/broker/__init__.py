"""Redis as the worker uses it: pub/sub, sessions, history, presence and publishing.

Only this folder and ``redis_servers`` import redis-py.
"""
