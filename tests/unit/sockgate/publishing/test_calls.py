import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from sockgate import publish, publish_many, publish_to
from sockgate.errors import (
    ChannelNameError,
    EventNameError,
    PublicationError,
    PublicationInvalid,
    PublicationTooLarge,
)
from sockgate.publishing.calls import encode
from sockgate_gateway.wire.events import RESERVED_EVENTS
from sockgate_gateway.wire.publication import read_publication

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
)


@given(json_values)
def test_encode_and_the_gateway_agree(data: Any) -> None:
    payload = encode("news", data)
    assert read_publication(payload).payload == payload
    assert json.loads(payload) == {"event": "news", "data": data}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (datetime(2012, 6, 4, 9, 30, tzinfo=UTC), "2012-06-04T09:30:00Z"),
        (date(2012, 6, 4), "2012-06-04"),
        (timedelta(hours=1), "P0DT01H00M00S"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (gettext_lazy("News"), "News"),
        ("Zürich ☃", "Zürich ☃"),
    ],
)
def test_encode_accepts_values_of_django_models(data: Any, expected: str) -> None:
    assert json.loads(encode("news", data))["data"] == expected


def test_encode_writes_utf_8_without_spaces() -> None:
    assert encode("é", [1, 2]) == '{"event":"é","data":[1,2]}'.encode()


circle: list[Any] = []
circle.append(circle)


@pytest.mark.parametrize(
    "data", [math.nan, math.inf, {"a": -math.inf}, object(), {(1, 2): 3}, "\ud800", {1}, circle]
)
def test_encode_rejects_data_without_a_json_form(data: Any) -> None:
    with pytest.raises(PublicationInvalid, match="no JSON form"):
        encode("news", data)


def test_encode_refusal_does_not_quote_the_text() -> None:
    with pytest.raises(PublicationInvalid) as refusal:
        encode("news", "secret \ud800")
    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("event", ["", None, 7])
def test_encode_rejects_a_bad_event(event: Any) -> None:
    with pytest.raises(PublicationInvalid, match="event"):
        encode(event, None)


def test_encode_refuses_one_byte_over_the_limit(settings: Any) -> None:
    size = len(encode("news", "x" * 100))
    settings.SOCKGATE = {"MAX_PAYLOAD": size}
    assert encode("news", "x" * 100)
    with pytest.raises(PublicationTooLarge, match=f"{size + 1} bytes"):
        encode("news", "x" * 101)


def test_errors_are_value_errors() -> None:
    assert issubclass(PublicationError, ValueError)


@pytest.mark.parametrize("event", sorted(RESERVED_EVENTS))
def test_encode_rejects_reserved_events(event: str) -> None:
    with pytest.raises(EventNameError, match="reserved"):
        encode(event, None)


@pytest.mark.parametrize("call", [publish, publish_many, publish_to])
def test_unknown_keyword_is_refused(call: Any) -> None:
    first = {publish: 1, publish_many: [1], publish_to: "room:1"}[call]
    with pytest.raises(TypeError, match=r"'sequence'.*sequenced.*using"):
        call(first, "news", sequence=True)


@pytest.mark.parametrize("channel", ["the editors", "room:{1}", "", 7, None, "x" * 256])
def test_channel_name_error_names_the_rule(channel: Any) -> None:
    with pytest.raises(ChannelNameError, match=r"1 to 255 .*no spaces.*publish_to_group"):
        publish_to(channel, "news")


def test_arguments_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(EventNameError, match="publish"):
        publish(1, {"title": "news"})  # type: ignore[arg-type]
