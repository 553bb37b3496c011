"""The life of a login of that user, run by ``test_custom_user.py`` in a process of its own."""

import os

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from redis import Redis  # noqa: E402
from sockgate import publish, revoke_user  # noqa: E402
from sockgate_gateway.wire.names import Names, auth_digest  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)
redis = Redis.from_url(os.environ["SOCKGATE_REDIS_URL"], decode_responses=True)
person = get_user_model().objects.create(email="alice@example.com")
key = Names().user(str(person.pk))

client = Client()
client.force_login(person)
digest = auth_digest(person.get_session_auth_hash())
assert redis.hmget(key, "auth", "channels") == [digest, "[]"]

person.nonce = 1
person.save()
assert redis.hget(key, "auth") == auth_digest(person.get_session_auth_hash()) != digest

with redis.pubsub() as pubsub:
    pubsub.subscribe(f"rt:user:{person.pk}")
    assert pubsub.get_message(timeout=5)
    assert publish(person, "news") == publish(person.pk, "news") == 1

revoke_user(person)
# The session of the anonymous visitor has moved; nothing else is left.
assert all(redis.hkeys(left) == ["moved"] for left in redis.scan_iter())
client.force_login(person)
person.delete()
assert not redis.exists(key)
