"""Reads from a replica that lags, run by ``test_replicas.py`` in a process of its own."""

import os
import shutil

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from redis import Redis  # noqa: E402
from sockgate import refresh_users, revoke_user  # noqa: E402
from sockgate_gateway.wire.names import Names, sid_of  # noqa: E402

redis = Redis.from_url(os.environ["SOCKGATE_REDIS_URL"], decode_responses=True)


def replicate() -> None:
    connections.close_all()
    primary, replica = (settings.DATABASES[name]["NAME"] for name in ("default", "replica"))
    shutil.copyfile(primary, replica)


def log_in() -> Client:
    client = Client()
    client.force_login(alice)
    return client


def session_of(client: Client) -> str:
    return Names().session(sid_of(client.cookies["sessionid"].value))


call_command("migrate", verbosity=0)
alice = User.objects.create_user("alice", password="alice-demo")
key = Names().user(str(alice.pk))
replicate()

# The user is deactivated. The replica still shows an active user, so Django accepts the request.
client = log_in()
replicate()
User.objects.using("default").filter(pk=alice.pk).update(is_active=False)
refresh_users(User.objects.all())
assert not redis.exists(key)
client.post("/realtime/token/")
assert not redis.exists(key)
User.objects.using("default").filter(pk=alice.pk).update(is_active=True)
replicate()

# The user has logged out. The replica still shows the session to a late request.
client = log_in()
replicate()
late, record = Client(), session_of(client)
late.cookies["sessionid"] = client.cookies["sessionid"].value
assert redis.exists(record)
client.logout()
assert not redis.exists(record)
late.post("/realtime/token/")
assert not redis.hexists(record, "user")

# The user is signed out everywhere. The replica does not show the newest session yet.
client = log_in()
revoke_user(alice)
assert not redis.hexists(session_of(client), "user")
client.post("/realtime/token/")
assert not redis.hexists(session_of(client), "user")

connections.close_all()
