"""The source that a limit counts."""

import pytest
from sockgate_gateway.connections.sources import source_of

BROWSER = "203.0.113.7"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        (BROWSER, BROWSER),
        ("2001:db8::7", "2001:db8::/64"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (f"::ffff:{BROWSER}", BROWSER),
        ("unix:", "unix:"),
    ],
)
def test_source_is_an_ipv4_address_or_an_ipv6_network(address, source):
    assert source_of(address) == source
