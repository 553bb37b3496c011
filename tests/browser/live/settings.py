"""The demo's settings, with the pages of ``urls.py``, and an ``AUTHORIZE`` that allows nothing."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import SOCKGATE, TEMPLATES

ROOT_URLCONF = "tests.browser.live.urls"
STATICFILES_DIRS = [("npm", "clientjs/node_modules")]

SOCKGATE = {
    **SOCKGATE,
    "AUTHORIZE": "tests.browser.live.urls.allow_nothing",
    "NAMESPACES": {"public": {"public": True}},
}

TEMPLATES = [
    *TEMPLATES,
    {
        "NAME": "pushed",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {
                        "toast.html": "<p>{{ text }}</p>",
                        "count.html": "{{ count }}",
                        "form.html": "<form id=shown><b>{{ pk }}</b>"
                        "<input type=hidden name=pk value={{ pk }}><input name=text></form>",
                        "row.html": "<tr id=row{{ count }}><td>{{ count }}</td></tr>",
                    },
                )
            ]
        },
    },
]
