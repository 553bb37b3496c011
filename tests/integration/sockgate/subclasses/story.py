"""Changes of proxy models, run by ``test_subclasses.py`` in a process of its own."""

import os

import django

django.setup()

from django.contrib.auth.models import Permission  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from redis import Redis  # noqa: E402
from sockgate_gateway.wire.names import Names, sid_of  # noqa: E402

from tests.integration.sockgate.subclasses.models import Member, Right, Team, Visit  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)
redis = Redis.from_url(os.environ["SOCKGATE_REDIS_URL"], decode_responses=True)


def field(name: str) -> str:
    return str(redis.hget(key, name))


client, alice = Client(), Member.objects.create_user("alice", password="alice-demo")
client.force_login(alice)
key = Names().user(str(alice.pk))

team = Team.objects.create(name="editors")
alice.groups.add(team)
assert field("channels") == '["group:editors"]'
team.name = "authors"
team.save()
assert field("channels") == '["group:authors"]'
team.delete()
assert field("channels") == "[]"

alice.user_permissions.add(Permission.objects.get(codename="add_group"))
before = field("rights")
Right.objects.get(codename="add_group").delete()
assert field("rights") != before

session = Names().session(sid_of(str(client.session.session_key)))
assert redis.exists(session)
Visit.objects.get().delete()
assert not redis.exists(session)

client.force_login(alice)
before = field("auth")
alice.set_password("another")
alice.save()
assert field("auth") != before
alice.delete()
assert not redis.exists(key)
