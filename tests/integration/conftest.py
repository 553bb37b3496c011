"""A cluster for the tests of one module."""

from collections.abc import Iterator

import pytest

from .clusters import Cluster, cluster


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries that live as long as these tests."""
    with cluster(tmp_path_factory.mktemp("nodes")) as nodes:
        yield nodes
