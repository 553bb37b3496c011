"""The programs in examples/: each publishes its message to the channel of its arguments."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis
from redis.client import PubSub
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.namespaces import DEFAULT, POSITION_TTL_S

EXAMPLES = Path(__file__).parents[2] / "examples"
TIMEOUT_S = 60
NEWS = {"event": "news", "data": {"title": 'Djangocon "2012" – München'}}
TITLE = NEWS["data"]["title"]

pytestmark = pytest.mark.e2e


@pytest.fixture
def url(redis_server) -> str:
    return redis_server.connection_url


@pytest.fixture
def subscription(url) -> Iterator[PubSub]:
    with Redis.from_url(url) as client, client.pubsub() as pubsub:
        pubsub.subscribe("rt:user:7")
        assert pubsub.get_message(timeout=TIMEOUT_S)["type"] == "subscribe"
        yield pubsub


def next_message(subscription: PubSub) -> object:
    message = subscription.get_message(timeout=TIMEOUT_S)
    assert message is not None, "nothing was published"
    return json.loads(message["data"])


def program(name: str) -> str:
    """Find a program on the path, or beside the interpreter, where make links Node.js."""
    path = os.pathsep.join((os.environ["PATH"], str(Path(sys.executable).parent)))
    found = shutil.which(name, path=path)
    assert found, f"{name} is not installed"
    return found


def run(*command: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    done = subprocess.run(
        command,
        cwd=EXAMPLES,
        env=environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_redis_py_pushes(url, subscription):
    output = run(sys.executable, "publish_redis.py", url, "rt:user:7", TITLE)
    assert next_message(subscription) == NEWS
    assert output == "1 workers received it\n"


def test_redis_cli_pushes(url, subscription):
    program("redis-cli")
    assert run("./publish.sh", url, "rt:user:7", json.dumps(NEWS)) == "1\n"
    assert next_message(subscription) == NEWS


def test_node_pushes(url, subscription):
    assert run(program("node"), "publish.js", url, "rt:user:7", TITLE) == ":1\n"
    assert next_message(subscription) == NEWS


SEQUENCED = {
    "node": ("publish_sequenced.js", "k3 8 1 1\n", "k3 8 0 0\n"),
    sys.executable: ("publish_script.py", "1 workers received it\n", "0 workers received it\n"),
}


@pytest.mark.parametrize("interpreter", SEQUENCED)
def test_sequenced_publication_continues_the_offsets_of_the_channel(url, subscription, interpreter):
    name, first, second = SEQUENCED[interpreter]
    with Redis.from_url(url) as redis:
        redis.flushall()
        redis.script_flush()
        redis.hset("sockgate:offset:{rt:user:7}", mapping={"epoch": "k3", "offset": 7})
    command = (program(interpreter), name, url, "user:7", TITLE, "order-9")
    assert [run(*command), run(*command)] == [first, second]
    raw = subscription.get_message(timeout=TIMEOUT_S)["data"]
    assert raw.startswith(b"#k3:8#")
    assert json.loads(raw.removeprefix(b"#k3:8#")) == NEWS


RECIPE = f"""
redis-cli -u {{url}} --eval ../gateway/sockgate_gateway/wire/lua/publish.lua
  sockgate:history:{{tag}} sockgate:offset:{{tag}} sockgate:published:{{tag}}:order-9 ,
  rt:user:7 {{payload}} k3 {DEFAULT.history} {DEFAULT.age * 1000:.0f} 3600000
  PUBLISH {POSITION_TTL_S * 1000}
"""
"""As docs/recovery.md writes it."""


def in_python(url: str, payload: str) -> None:
    news = json.loads(payload)
    Publisher(url).publish(7, news["event"], news["data"], idempotency_key="order-9")


def in_node(url: str, payload: str) -> None:
    run(program("node"), "publish_sequenced.js", url, "user:7", TITLE, "order-9")


def in_a_shell(url: str, payload: str) -> None:
    fields = {"url": url, "tag": "{rt:user:7}", "payload": payload}
    run(program("redis-cli"), *(word.format(**fields) for word in RECIPE.split()[1:]))


def written(redis: Redis, subscription: PubSub) -> list[object]:
    """Return the keys that a publication has left, with their expiry but without its time."""
    keys = sorted(redis.scan_iter("*user:7*"))
    kept = redis.lrange("sockgate:history:{rt:user:7}", 0, -1)
    entries = (entry.split(b" ", 2) for entry in kept)
    return [
        subscription.get_message(timeout=TIMEOUT_S)["data"],
        [(key, round(redis.pttl(key) / 60_000)) for key in keys],
        [(offset, payload) for offset, _, payload in entries],
        redis.hgetall("sockgate:offset:{rt:user:7}"),
        redis.get("sockgate:published:{rt:user:7}:order-9"),
    ]


def test_publication_is_the_same_to_the_byte_in_every_language(url, subscription):
    payload = json.dumps(NEWS, ensure_ascii=False, separators=(",", ":"))
    left = []
    with Redis.from_url(url) as redis:
        for publish in (in_python, in_node, in_a_shell):
            redis.flushall()
            redis.hset("sockgate:offset:{rt:user:7}", mapping={"epoch": "k3", "offset": 7})
            for _ in range(2):
                publish(url, payload)
            left.append(written(redis, subscription))
    assert left[0][0] == b"#k3:8#" + payload.encode()
    assert left[1] == left[2] == left[0]


@pytest.fixture
def celery_worker(url) -> Iterator[None]:
    # The task configures Django by itself, and not as these tests do.
    environ = {**os.environ, "SOCKGATE_REDIS_URL": url, "PYTHONPATH": str(EXAMPLES.parent)}
    del environ["DJANGO_SETTINGS_MODULE"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "solo"],
        cwd=EXAMPLES / "celery_task",
        env=environ,
    )
    yield
    worker.terminate()
    worker.wait(TIMEOUT_S)


def test_celery_task_pushes(url, celery_worker, subscription):
    with Celery(broker=url) as app:
        app.send_task("tasks.make_report", args=[7])
    expected = {"event": "report", "data": {"title": "Your report is ready"}}
    assert next_message(subscription) == expected
