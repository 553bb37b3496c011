"""Options of connections: timeouts, what a URL adds, and which of the two counts."""

import pytest
from sockgate_gateway.redis_servers.options import Timeouts, sentinel_options, server_options
from sockgate_gateway.wire.addresses import read_address

TIMEOUTS = Timeouts(connect_s=2, reply_s=5)
FIXED = Timeouts(connect_s=2, reply_s=5, is_fixed=True)
URL = "redis+cluster://user:secret@a:1,b:2/?socket_timeout=1"


def test_server_options_leave_host_and_port_to_the_nodes():
    options = server_options(read_address(URL), TIMEOUTS)
    assert not {"host", "port"} & set(options)
    assert (options["username"], options["password"]) == ("user", "secret")


@pytest.mark.parametrize(("timeouts", "reply_s"), [(TIMEOUTS, 1.0), (FIXED, 5)])
def test_url_changes_timeouts_unless_they_are_fixed(timeouts, reply_s):
    options = server_options(read_address(URL), timeouts)
    assert (options["socket_connect_timeout"], options["socket_timeout"]) == (2, reply_s)


@pytest.mark.parametrize(("scheme", "is_tls"), [("redis", False), ("rediss", True)])
def test_scheme_decides_about_tls(scheme, is_tls):
    servers = server_options(read_address(f"{scheme}+cluster://a"), TIMEOUTS)
    sentinels = sentinel_options(read_address(f"{scheme}+sentinel://a/shop"), 1)
    assert servers["ssl"] is sentinels["ssl"] is is_tls


def test_sentinels_have_the_tls_options_of_the_servers_and_credentials_of_their_own():
    url = "rediss+sentinel://user:secret@a/shop/2?sentinel_password=other&ssl_ca_certs=/ca.pem"
    options = sentinel_options(read_address(url), 0.5)
    assert options["ssl_ca_certs"] == "/ca.pem"
    assert options["password"] == "other"
    assert not {"username", "db"} & set(options)
    assert options["socket_timeout"] == options["socket_connect_timeout"] == 0.5
