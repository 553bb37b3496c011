import pytest
from sockgate.management.doctor.gateway import _difference, origin_refused
from sockgate_gateway.wire.deployments import Deployment, deployment_of
from sockgate_gateway.wire.key_ids import key_id
from sockgate_gateway.wire.names import Names

KEY = "the-key-of-today-0123456789abcdef"
OTHER = "another-key-0123456789abcdefghijkl"
OURS = deployment_of(Names(), [KEY])


def difference(*registered: Deployment) -> str:
    failed = _difference(OURS, registered)
    return f"{failed.cause} {failed.mend}"


def test_other_keys_are_named_by_their_fingerprints() -> None:
    said = difference(deployment_of(Names(), [OTHER]))
    assert key_id(KEY) in said
    assert key_id(OTHER) in said
    assert "SOCKGATE_SIGNING_KEYS" in said
    assert KEY not in said


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (Names("sockgate:", "rt@1:", 1), "database 1"),
        (Names("shop:", "rt:", 0), "'shop:'"),
        (Names("sockgate:", "shop:", 0), "'shop:'"),
    ],
)
def test_another_place_is_named(names: Names, word: str) -> None:
    said = difference(deployment_of(names, [KEY]))
    assert word in said
    assert "KEY_PREFIX" in said


def test_no_gateway_in_this_redis_is_another_redis() -> None:
    assert "none with these keys uses this Redis server" in difference()
    stranger = deployment_of(Names("shop:", "shop-rt:", 3), [OTHER])
    assert "none with these keys uses this Redis server" in difference(stranger)


@pytest.mark.parametrize(
    ("origin", "twin"),
    [
        ("http://localhost:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://[::1]", "http://localhost"),
        ("https://www.example.com", ""),
    ],
)
def test_refused_origin_names_its_twin(origin: str, twin: str) -> None:
    failed = origin_refused("http://127.0.0.1:8001/realtime", origin)
    assert f"Add {origin} to SOCKGATE_ORIGINS" in failed.mend
    assert ("open the site as" in failed.mend) == bool(twin)
    assert twin in failed.mend
