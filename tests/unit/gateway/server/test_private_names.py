"""Private names of other packages that a release may have without."""

from unittest.mock import patch

import pytest
from sockgate_gateway import cli
from sockgate_gateway.server import private_names
from tornado.iostream import BaseIOStream
from tornado.web import RequestHandler


def test_installed_packages_have_every_name() -> None:
    assert [*private_names.problems()] == []


def test_name_that_a_release_lacks_is_reported_with_the_version_to_install() -> None:
    with patch.object(RequestHandler, "_break_cycles"):
        del RequestHandler._break_cycles
        (problem,) = private_names.problems()
    assert "lacks _break_cycles of tornado.web.RequestHandler" in problem
    assert "Install tornado==6.6.1, or a newer Sockgate" in problem


@pytest.mark.parametrize("place", ["tornado.web:None", "tornado.iostream:BaseIOStream"])
def test_missing_class_and_attribute_of_an_instance_are_reported(place: str) -> None:
    assert not hasattr(BaseIOStream, "_read_buffer")  # Only an instance has it.
    assert [*private_names.problems({"tornado.iostream:BaseIOStream": ("_read_buffer",)})] == []
    (problem,) = private_names.problems({place: ("_nothing",)})
    assert "lacks _nothing" in problem


def test_gateway_does_not_start_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    with patch.object(private_names, "NAMES", {"redis.asyncio.connection:Connection": ("_none",)}):
        status = cli.main(["--check-config"])
    assert status == cli.USAGE_ERROR
    assert "sockgate: redis " in capsys.readouterr().err
