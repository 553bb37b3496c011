"""Views and sessions while the cluster is down."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from redis import RedisError
from sockgate.redis_clients import pools
from sockgate.sessions.redis import SessionStore

from tests.integration.clusters import Cluster, cluster

pytestmark = pytest.mark.integration


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as nodes:
        yield nodes


@pytest.fixture
def project(nodes: Cluster, settings: Any) -> Any:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": nodes.url}
    return settings


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("engine", ["redis", "db", "cached_db"])
def test_token_view_answers_503_while_the_cluster_is_down(
    project: Any, nodes: Cluster, client: Client, engine: str
) -> None:
    project.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    client.force_login(User.objects.create_user("alice"))
    assert client.post("/realtime/token/").status_code == 200
    nodes.stop()
    assert client.post("/realtime/token/").status_code == 503


@pytest.mark.usefixtures("project")
def test_session_that_cannot_be_written_raises_redis_error(nodes: Cluster) -> None:
    assert pools.records().ping()
    nodes.stop()
    with pytest.raises(RedisError):
        SessionStore().save()
