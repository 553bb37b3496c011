"""The demo's strict Content-Security-Policy is in force, and violations are detected."""

import pytest

from tests.browser.windows import Profile

pytestmark = pytest.mark.browser

INLINE = """
var script = document.createElement("script");
script.textContent = "window.hasRun = true";
document.body.appendChild(script);
window.hasRun === true;
"""


def test_inline_script_does_not_run_and_is_a_violation(stack, chromium):
    alice = Profile(chromium, stack.origin).log_in("alice")
    page = alice.open()
    with page.expect_console_message():
        assert page.evaluate(INLINE) is False
    assert any("script-src" in violation for violation in alice.violations)
    alice.close()


def test_page_connects_with_scripts_of_its_own_origin_only(stack, log_in):
    page = log_in("alice").open()
    policy = page.request.get("/").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
