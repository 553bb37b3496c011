"""Session engines whose logins the gateway can read in Redis.

``redis`` keeps sessions in Redis. ``db`` and ``cached_db`` are Django's engines with the login
mirrored into Redis; ``mirror.IdentityMirror`` does so for any other engine.
"""
