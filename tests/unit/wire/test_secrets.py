"""Secrets work as the texts that they are, and show nothing."""

import pickle
from pprint import pformat

import pytest
from sockgate_gateway.wire.addresses import read_address
from sockgate_gateway.wire.clock_signer import ClockSigner
from sockgate_gateway.wire.errors import AddressError
from sockgate_gateway.wire.secrets import MASK, Secret, masked, without_login

CANARY = "canarycanarycanarycanarycanarycanary"


@pytest.mark.parametrize(
    "value", [CANARY, CANARY.encode(), [CANARY], (CANARY, 1), {"a": [{"b": CANARY}]}, {CANARY}]
)
def test_masked_value_equals_and_shows_nothing(value: object) -> None:
    secret = masked(value)
    assert secret == value
    assert "canary" not in f"{secret!r} {pformat(secret)} {masked(secret)!r}"


def test_secret_is_used_as_its_text() -> None:
    secret = Secret(CANARY)
    assert f"{secret}" == str(secret) == CANARY
    assert {CANARY: 1}[secret] == 1
    assert repr(pickle.loads(pickle.dumps(secret))) == MASK
    assert repr(Secret("")) == "''"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://u:{CANARY}@site.example/a?t={CANARY}#x", "https://site.example/a"),
        ("https://site.example", "https://site.example"),
        (f"https://u:{CANARY[:9]}/{CANARY}@site.example", MASK),
        (f"redis:{CANARY}@host", MASK),
        (f"http://[{CANARY}", MASK),
    ],
)
def test_url_is_said_without_its_login(url: str, shown: str) -> None:
    assert without_login(url) == shown


def test_signer_shows_no_key() -> None:
    signer = ClockSigner([CANARY], "salt", lambda: 0.0)
    assert signer.unsign(signer.sign("x")) == b"x"
    assert CANARY not in repr(signer.__dict__)
    assert "canary" not in repr(signer.__dict__)
    plain = ClockSigner([CANARY], "salt", lambda: 0.0)
    derived = bytes(next(iter(plain._derived.values())))
    assert repr(derived) not in repr(signer.__dict__)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://u:{CANARY}@h:1/0",
        f"redis+sentinel://u:{CANARY}@h/s?sentinel_password={CANARY}",
        f"rediss+cluster://u:{CANARY}@h,i?ssl_password={CANARY}",
        f"unix://u:{CANARY}@/run/redis.sock",
    ],
)
def test_address_shows_no_password(url: str) -> None:
    assert "canary" not in repr(read_address(url))


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:pw@h?socket_timeout={CANARY}",
        f"redis://:pw@h?max_connections={CANARY}",
        f"redis://:pw@h?{CANARY}=1",
        f"redis://:1?{CANARY}@h",
        f"redis://u:1/{CANARY}@h",
        f"redis://u:1#{CANARY}@h",
        f"redis://:pw@h?ssl_ca_certs={CANARY}",
        f"rediss://:pw@h?ssl_cert_reqs={CANARY}",
        f"redis://:pw@h/{CANARY}",
        f"redis://:pw@h:{CANARY}",
        f"{CANARY}://h",
    ],
)
def test_bad_url_is_refused_without_a_value(url: str) -> None:
    with pytest.raises(AddressError) as refused:
        read_address(url)
    assert "canary" not in str(refused.value)
    traceback = refused.tb.tb_next
    assert traceback is not None
    while traceback is not None:
        assert "canary" not in repr(traceback.tb_frame.f_locals)
        traceback = traceback.tb_next


@pytest.mark.parametrize(
    "url",
    ["redis://:pw@h?socket_timeout=1&protocol=2", "rediss://h?ssl_cert_reqs=none", "redis://"],
)
def test_options_of_redis_py_are_accepted(url: str) -> None:
    assert read_address(url).server_url == url
