"""The wire follows ``tests/vectors.json`` to the byte.

A failure here means that deployed clients, tokens or keys of an earlier version are no longer
understood: change the vectors only with the version on the wire.
"""

from base64 import b64decode

import msgspec
import pytest
from sockgate_gateway.wire import (
    closecodes,
    contract,
    control,
    names,
    protocol,
    publication,
    tenants,
    tokens,
    touches,
)
from sockgate_gateway.wire.errors import (
    ChannelNameError,
    ControlError,
    FrameError,
    PayloadError,
    TokenExpired,
    TokenInvalid,
)

from tests.vectors import VECTORS

ERRORS = {"expired": TokenExpired, "invalid": TokenInvalid}


def by_name(case):
    return case.get("name") or case.get("text")


def clock_of(case):
    return lambda: case["now"]


@pytest.mark.parametrize("case", VECTORS["sids"])
def test_sid_is_golden(case):
    assert names.sid_of(case["session_key"]) == case["sid"]


@pytest.mark.parametrize("case", VECTORS["auth_digests"])
def test_auth_digest_is_golden(case):
    assert names.auth_digest(case["session_auth_hash"]) == case["digest"]


@pytest.mark.parametrize("case", [c for c in VECTORS["tokens"] if "token" in c], ids=by_name)
def test_token_is_read(case):
    signer = tokens.TokenSigner(case["keys"], clock_of(case))
    assert signer.read(case["text"], case["max_age_s"]) == tokens.Token(**case["token"])


@pytest.mark.parametrize("case", [c for c in VECTORS["tokens"] if "error" in c], ids=by_name)
def test_token_is_refused(case):
    signer = tokens.TokenSigner(case["keys"], clock_of(case))
    with pytest.raises(ERRORS[case["error"]]):
        signer.read(case["text"], case["max_age_s"])


def test_token_is_issued_to_the_byte():
    case = VECTORS["tokens"][0]
    signer = tokens.TokenSigner(case["keys"], clock_of(case))
    assert signer.issue(tokens.Token(**case["token"])) == case["text"]


@pytest.mark.parametrize("case", [c for c in VECTORS["grants"] if "grant" in c], ids=by_name)
def test_grant_is_read(case):
    signer = tokens.GrantSigner(case["keys"], clock_of(case))
    assert signer.read(case["text"], case["max_age_s"]) == tokens.Grant(**case["grant"])


@pytest.mark.parametrize("case", [c for c in VECTORS["grants"] if "error" in c], ids=by_name)
def test_grant_is_refused(case):
    signer = tokens.GrantSigner(case["keys"], clock_of(case))
    with pytest.raises(ERRORS[case["error"]]):
        signer.read(case["text"], case["max_age_s"])


@pytest.mark.parametrize("name", VECTORS["channels"]["valid"])
def test_channel_name_is_valid(name):
    assert names.check_channel(name) == name


@pytest.mark.parametrize("name", VECTORS["channels"]["invalid"])
def test_channel_name_is_invalid(name):
    with pytest.raises(ChannelNameError):
        names.check_channel(name)


@pytest.mark.parametrize("name", VECTORS["channels"]["automatic"])
def test_channel_is_automatic(name):
    assert names.is_automatic(name)


@pytest.mark.parametrize("name", VECTORS["channels"]["on_request"])
def test_channel_is_on_request(name):
    assert not names.is_automatic(name)


@pytest.mark.parametrize("case", VECTORS["user_channels"])
def test_user_channel_is_golden(case):
    assert names.user_channel(case["uid"]) == case["channel"]


@pytest.mark.parametrize("case", VECTORS["group_channels"])
def test_group_channel_is_golden(case):
    assert names.group_channel(case["group"]) == case["channel"]


@pytest.mark.parametrize("case", VECTORS["redis_names"])
def test_redis_names_are_golden(case):
    ours = names.names_in(case["database"], case["key_prefix"], case["channel_prefix"])
    assert case["names"] == {
        "control": ours.control,
        "session": ours.session("SID"),
        "user": ours.user("7"),
        "user_sessions": ours.user_sessions("7"),
        "probe": ours.probe("w1"),
        "reply": ours.reply("r1"),
        "channel": ours.channel("room:7"),
        "history": ours.history("room:7"),
        "offset": ours.offset("room:7"),
        "published": ours.published("room:7", "order-9"),
        "namespaces": ours.namespaces,
        "revoked": ours.revoked("7"),
        "presence": ours.presence("room:7", "w1"),
        "workers": ours.workers,
        "worker": ours.worker("w1"),
        "touched": touches.touch_key(ours, "room:7"),
    }


@pytest.mark.parametrize("case", VECTORS["tenant_names"])
def test_names_of_a_tenant_are_golden(case):
    ours = names.names_in(case["database"])

    def of(name):
        return tenants.in_tenant(case["tenant"], name)

    assert case["names"] == {
        "session": ours.session(of("SID")),
        "user": ours.user(of("7")),
        "user_sessions": ours.user_sessions(of("7")),
        "revoked": ours.revoked(of("7")),
        "user_channel": ours.channel(names.user_channel(of("7"))),
        "channel": ours.channel(of("room:7")),
        "history": ours.history(of("room:7")),
        "offset": ours.offset(of("room:7")),
        "presence": ours.presence(of("room:7"), "w1"),
        "control": ours.control,
    }


@pytest.mark.parametrize("case", VECTORS["client_frames"]["valid"], ids=by_name)
def test_client_frame_is_read(case):
    frame = protocol.read_client_frame(case["text"])
    assert type(frame).__name__ == case["class"]
    fields = {name: getattr(frame, name) for name in frame.__struct_fields__}
    assert msgspec.json.decode(msgspec.json.encode(fields)) == case["fields"]


@pytest.mark.parametrize("text", VECTORS["client_frames"]["invalid"])
def test_client_frame_is_refused(text):
    with pytest.raises(FrameError):
        protocol.read_client_frame(text)


@pytest.mark.parametrize("case", VECTORS["server_frames"], ids=by_name)
def test_server_frame_is_golden(case):
    frame = getattr(contract, case["class"])(**case["fields"])
    assert protocol.write(frame).decode() == case["text"]


@pytest.mark.parametrize("case", VECTORS["publications"]["valid"], ids=by_name)
def test_publication_is_read(case):
    payload, touch = case["payload"].encode(), case.get("touch")
    published_ms = case.get("published_ms", 0)
    expected = publication.Publication(
        payload, case["epoch"], case["offset"], touch=touch, published_ms=published_ms
    )
    assert publication.read_publication(case["raw"].encode()) == expected


@pytest.mark.parametrize("case", VECTORS["publications"]["valid"], ids=by_name)
def test_publication_frame_is_golden(case):
    found = publication.read_publication(case["raw"].encode())
    head = publication.publication_head(case["channel"])
    assert publication.publication_frame(head, found).decode() == case["frame"]


@pytest.mark.parametrize("case", VECTORS["publications"]["coalescing"], ids=by_name)
def test_publication_with_a_key_is_golden(case):
    found = publication.read_publication(case["raw"].encode())
    assert found == publication.Publication(
        case["payload"].encode(),
        excluded=case["excluded"],
        coalescing=publication.Coalescing(case["key"], case["within_ms"]),
    )
    assert publication.write_publication(found).decode() == case["raw"]


@pytest.mark.parametrize("case", VECTORS["publications"]["excluding"], ids=by_name)
def test_publication_that_excludes_a_connection_is_golden(case):
    expected = publication.Publication(
        case["payload"].encode(),
        case["epoch"],
        case["offset"],
        case["excluded"],
        published_ms=case.get("published_ms", 0),
    )
    found = publication.read_publication(case["raw"].encode())
    assert found == expected
    assert publication.write_publication(found).decode() == case["raw"]
    frame = publication.publication_frame(publication.publication_head(case["channel"]), found)
    assert isinstance(frame, publication.ExcludingFrame)
    assert (frame.decode(), frame.excluded) == (case["frame"], case["excluded"])
    assert frame.instead.decode() == case["instead"]


@pytest.mark.parametrize("case", VECTORS["publications"]["invalid"], ids=by_name)
def test_publication_is_refused(case):
    with pytest.raises(PayloadError):
        publication.read_publication(b64decode(case["raw_base64"]))


@pytest.mark.parametrize(
    "case", [*VECTORS["close_codes"]["ours"], *VECTORS["close_codes"]["others"]]
)
def test_close_code_decides_whether_to_reconnect(case):
    assert closecodes.may_reconnect(case["code"]) is case["reconnect"]
    assert closecodes.needs_fresh_token(case["code"]) is case["fresh_token"]


@pytest.mark.parametrize("case", VECTORS["control"]["valid"], ids=by_name)
def test_control_message_is_golden(case):
    message = getattr(control, case["class"])(**case["fields"])
    assert control.write_control(message).decode() == case["text"]
    assert control.read_control(case["text"].encode()) == message


@pytest.mark.parametrize("text", VECTORS["control"]["invalid"])
def test_control_message_is_refused(text):
    with pytest.raises(ControlError):
        control.read_control(text.encode())
