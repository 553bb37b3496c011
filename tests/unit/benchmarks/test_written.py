"""Messages of peers' own publishers, turned into patterns of the generator."""

import pytest

from benchmarks.servers.written import FILLER, USER, pattern_of, template_of


def test_template_leaves_a_place_for_the_body():
    assert template_of(b'{"data":"' + FILLER.encode() * 8 + b'"}', 8) == '{"data":"%s"}'


def test_template_escapes_what_does_not_print():
    assert template_of(b"\x93\xd9\x00%\\" + FILLER.encode() * 3, 3) == r"\x93\xd9\x00\x25\x5c%s"


def test_template_refuses_a_body_that_was_written_otherwise():
    with pytest.raises(ValueError, match="not written as it is"):
        template_of(b"compressed", 8)


def test_pattern_leaves_a_place_for_the_user():
    assert pattern_of(f"room#{USER}#".encode()) == "room#%D#"
