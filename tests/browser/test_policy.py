"""The strict policy of the demo's pages is in force, and these tests notice what breaks it."""

import pytest

from .windows import Profile

pytestmark = pytest.mark.browser

INLINE = """
var script = document.createElement("script");
script.textContent = "window.hasRun = true";
document.body.appendChild(script);
window.hasRun === true;
"""


def test_inline_script_does_not_run_and_is_noticed(stack, chromium):
    alice = Profile(chromium, stack.origin).log_in("alice")
    page = alice.open()
    with page.expect_console_message():
        assert page.evaluate(INLINE) is False
    assert any("script-src" in violation for violation in alice.violations)
    alice.close()


def test_page_connects_with_scripts_of_its_own_origin_alone(stack, log_in):
    page = log_in("alice").open()
    policy = page.request.get("/").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
