"""A cluster for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.integration.clusters import Cluster, cluster


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries that live as long as these tests; a busy machine must not split them."""
    patience = {"cluster-node-timeout": "30000"}
    with cluster(tmp_path_factory.mktemp("nodes"), **patience) as nodes:
        yield nodes
