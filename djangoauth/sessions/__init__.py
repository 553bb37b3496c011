"""Session engines that let the gateway see who is logged in.

``redis`` keeps sessions in Redis. ``db`` and ``cached_db`` are Django's own, with the identity
mirrored into Redis; ``mirror.IdentityMirror`` does the same for any other engine.
"""
