"""Markup is recognized in every form that a page would parse, and verified to the byte."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.wire.errors import MarkupError, PayloadError
from sockgate_gateway.wire.events import HTML, SIGNATURE_BYTES, TURBO_STREAM, is_markup
from sockgate_gateway.wire.markup import MarkupSigner
from sockgate_gateway.wire.markup_payload import MarkupPayload
from sockgate_gateway.wire.publication import read_publication
from sockgate_gateway.wire.tokens import GRANT_SALT, TOKEN_SALT

from tests.vectors import VECTORS

CASES = VECTORS["markup"]
DOCUMENT = Path(__file__).parents[3] / "docs" / "protocol.md"
NAMES = [HTML, TURBO_STREAM, "turbo-stream:rows"]


def by_name(case):
    return case["name"]


def signer_of(case) -> MarkupSigner:
    return MarkupSigner(case["keys"], lambda: case["now"])


@pytest.mark.parametrize("case", [one for one in CASES if "payload" in one], ids=by_name)
def test_signed_markup_is_verified(case):
    found = signer_of(case).verify(case["channel"], case["signed"].encode(), case["max_age_s"])
    assert found == case["payload"].encode()


@pytest.mark.parametrize("case", [one for one in CASES if "error" in one], ids=by_name)
def test_markup_is_refused(case):
    with pytest.raises(MarkupError) as refusal:
        signer_of(case).verify(case["channel"], case["signed"].encode(), case["max_age_s"])
    assert refusal.value.cause == case["error"]


@pytest.mark.parametrize("case", CASES[:2], ids=by_name)
def test_markup_is_signed_to_the_byte(case):
    signed = signer_of(case).sign(case["channel"], case["payload"].encode())
    assert signed == case["signed"].encode()
    assert len(signed) - len(case["payload"].encode()) == SIGNATURE_BYTES


def test_markup_has_a_purpose_of_its_own(monkeypatch):
    case = CASES[0]
    for salt in (TOKEN_SALT, GRANT_SALT):
        monkeypatch.setattr("sockgate_gateway.wire.markup.MARKUP_SALT", salt)
        signed = signer_of(case).sign(case["channel"], case["payload"].encode())
        monkeypatch.undo()
        with pytest.raises(MarkupError, match="forged"):
            signer_of(case).verify(case["channel"], signed, case["max_age_s"])


@pytest.mark.parametrize("keys", [[], [""], ["one", ""]])
def test_signer_needs_keys(keys):
    with pytest.raises(ValueError, match="signing key"):
        MarkupSigner(keys)


def escaped(text: str, places: set[int], *, is_upper: bool) -> str:
    """Write a text as a JSON string, with some of its characters as escapes."""

    def one(place: int, character: str) -> str:
        code = f"{ord(character):04x}"
        return f"\\u{code.upper() if is_upper else code}" if place in places else character

    return '"' + "".join(one(*pair) for pair in enumerate(text)) + '"'


SPACE = st.text(alphabet=" \t\n\r", max_size=3)
KEYS = st.sampled_from(["data", "x", "signed", "from", "__proto__"])
VALUES = st.sampled_from(['{"html":"<img>"}', '"\\ud800"', "null", "1e999", '"turbo"', "[[]]"])


@st.composite
def payloads(draw) -> str:
    """A payload whose last member ``event`` has a name, and what else may stand around it."""

    def text(value: str) -> str:
        places = draw(st.sets(st.integers(0, len(value) - 1)))
        return escaped(value, places, is_upper=draw(st.booleans()))

    def member(name: str, value: str) -> str:
        return draw(SPACE) + name + draw(SPACE) + ":" + draw(SPACE) + value + draw(SPACE)

    def others() -> list[str]:
        return [member(text(draw(KEYS)), draw(VALUES)) for _ in range(draw(st.integers(0, 2)))]

    earlier = [member(text("event"), v) for v in draw(st.lists(st.sampled_from(['"a"', "5"])))]
    event = member(text("event"), text(draw(st.sampled_from([*NAMES, "other", "turbo"]))))
    members = [*others(), *earlier, *others(), event, *others()]
    return draw(SPACE) + "{" + ",".join(members) + "}" + draw(SPACE)


@given(payloads())
def test_every_form_that_a_page_would_parse_is_recognized(text):
    raw = text.encode()
    wanted = is_markup(json.loads(text)["event"])  # As JSON.parse: the last of the same name.
    assert isinstance(read_publication(raw).payload, MarkupPayload) == wanted


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_anything_else_is_read_without_an_error(raw):
    try:
        payload = read_publication(raw).payload
    except PayloadError:
        return
    found = json.loads(payload)
    event = found.get("event") if isinstance(found, dict) else None
    assert isinstance(payload, MarkupPayload) == (isinstance(event, str) and is_markup(event))


@pytest.mark.parametrize(
    "text",
    [
        '{"event":"sockgate:html","event":5}',
        '{"event":["sockgate:html"]}',
        '{"data":{"event":"sockgate:html"}}',
        '["sockgate:html"]',
        '"{\\"event\\":\\"sockgate:html\\"}"',
        '{"event":"turbo-streams"}',
        "\ufeff" + '{"event":"sockgate:html"}',  # No page can parse this; it becomes a text.
    ],
)
def test_what_no_page_takes_for_markup_needs_no_signature(text):
    assert not isinstance(read_publication(text.encode()).payload, MarkupPayload)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_recipe_of_the_document_signs_to_the_byte():
    recipe = DOCUMENT.read_text().split("```js\n", 1)[1].split("```", 1)[0]
    for case in CASES[:2]:
        given = [case["keys"][-1], case["now"], case["channel"], case["payload"]]
        program = f"{recipe}\nprocess.stdout.write(sign(...{json.dumps(given)}));"
        command = ["node", "--input-type=module", "-e", program]
        found = subprocess.run(command, capture_output=True, check=True, timeout=60)
        assert found.stdout == case["signed"].encode()
