"""``{% live %}``: its element, its grants, its ids, its script."""

import json
import re
from collections.abc import Callable
from time import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, RequestContext, Template, TemplateSyntaxError
from django.test import Client
from django.urls import include, path
from sockgate.live.fragment import kept
from sockgate.sessions.redis import SessionStore
from sockgate.users import live_grants
from sockgate.users.records import rights_of
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import sid_of
from sockgate_gateway.wire.tokens import GrantSigner
from sockgate_gateway.wire.touches import NEVER, stated_mark

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_urls"),
]

SOURCE = "{% load sockgate %}{% live 'orders' own %}{{ text }}{% endlive %}"
SCRIPT = '<script src="/static/sockgate/sockgate-live.js" defer></script>'
BLOCK = re.compile(r'<script type="application/json" data-sockgate="(\w+)">([^<]*)</script>')


def page(request: HttpRequest) -> HttpResponse:
    source = request.GET.get("source", SOURCE)
    names = ["customer:7", "customer:8"]
    context = {"own": "customer:7", "names": names, "empty": "", "text": "<b>"}
    return HttpResponse(Template(source).render(RequestContext(request, context)))


urlpatterns = [path("", page), path("realtime/", include("sockgate.urls"))]


def show(client: Client, inner: str = "") -> str:
    source = {"source": "{% load sockgate %}" + inner} if inner else {}
    return client.get("/", source).content.decode()


def orders(html: str) -> list[dict[str, Any]]:
    """Return what the browser's script needs of each fragment."""
    return [json.loads(text) for kind, text in BLOCK.findall(html) if kind == "live"]


def subscriptions(html: str) -> list[dict[str, Any]]:
    return [one["channels"] for one in orders(html)]


def without_blocks(html: str) -> str:
    return BLOCK.sub("", html)


def test_fragment_is_an_element_with_an_id_of_its_channels(login: Client) -> None:
    html = show(login)
    assert without_blocks(html) == f'{SCRIPT}<div id="live-orders-customer-7">&lt;b&gt;</div>'
    assert html.endswith("</script></div>")
    [one] = orders(html)
    user = login.session["_auth_user_id"]
    assert (one["id"], one["rate"], one["url"], one["user"]) == (
        *("live-orders-customer-7", 100, "/"),
        user,
    )


def test_fragment_is_bound_to_the_address_of_a_get(login: Client, client: Client) -> None:
    query = "/?source=" + quote("{% load sockgate %}{% live 'a' every=60 %}{% endlive %}")
    [one] = orders(login.get(query).content.decode())
    assert (one["url"], one["every"]) == (query, 60)
    [posted] = orders(login.post(query).content.decode())
    assert "url" not in posted
    [of_visitor] = orders(Client().get(query).content.decode())
    assert "user" not in of_visitor


def test_content_cannot_end_the_block(login: Client) -> None:
    html = login.get("/?source=" + quote(SOURCE) + "&</script><!--").content.decode()
    assert html.count("</script>") == 2
    assert "<!--" not in html


def test_author_names_what_is_kept(login: Client) -> None:
    html = show(login, "<p>{% live_keep %}</p><p>{% live_keep 'class' 'aria-expanded' %}</p>")
    found = [(kind, json.loads(text)) for kind, text in BLOCK.findall(html)]
    assert found == [("keep", []), ("keep", ["class", "aria-expanded"])]


@pytest.mark.parametrize("name", ["onclick", "", "a b", "A", 7])
def test_kept_attribute_is_a_name(name: Any) -> None:
    with pytest.raises(TemplateSyntaxError, match="is used so"):
        kept((name,))


def test_fragment_carries_grants_that_authorize_did_not_decide(
    login: Client, settings: Any
) -> None:
    [channels] = subscriptions(show(login))
    assert set(channels) == {"orders", "customer:7"}
    grant = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(channels["orders"]["grant"], 60)
    assert (grant.sid, grant.channel) == (sid_of(login.session.session_key), "orders")
    assert grant.rights
    assert channels["orders"]["expires_in"] == 3600


def test_fragment_needs_no_grant_for_public_and_automatic_channels(
    login: Client, settings: Any
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "NAMESPACES": {"news": {"public": True}}}
    [channels] = subscriptions(show(login, "{% live 'news:1' 'broadcast' %}{% endlive %}"))
    never = stated_mark(NEVER, time())
    assert channels == {
        "news:1": {"grant": None, "expires_in": 3600, "touched": never},
        "broadcast": {"touched": never},
    }


def test_visitor_receives_neither_grant_nor_session(client: Client, settings: Any) -> None:
    for anonymous in (False, True):
        settings.SOCKGATE = {**settings.SOCKGATE, "ANONYMOUS": anonymous}
        response = client.get("/")
        assert subscriptions(response.content.decode()) == [{"orders": {}, "customer:7": {}}]
        assert not response.cookies


def test_fragment_takes_lists_and_attributes(login: Client) -> None:
    attributes = "id='x' tag='tbody' class=text aria_live='polite' hidden=None"
    html = show(login, "{% live names " + attributes + " %}{% endlive %}")
    assert '<tbody id="x" class="&lt;b&gt;" aria-live="polite"></tbody>' in without_blocks(html)
    assert set(subscriptions(html)[0]) == {"customer:7", "customer:8"}


def test_fragments_of_a_loop_have_ids_of_their_channels(login: Client) -> None:
    html = show(login, "{% for name in names %}{% live name %}{% endlive %}{% endfor %}")
    assert re.findall(r' id="([^"]*)"', html) == ["live-customer-7", "live-customer-8"]
    assert html.count("sockgate-live.js") == 1


@pytest.mark.parametrize(
    "source",
    [
        "{% live 'a' %}{% endlive %}{% live 'a' %}{% endlive %}",
        "{% for name in names %}{% live 'a' %}{% endlive %}{% endfor %}",
        "{% live 'a' %}{% live 'a' %}{% endlive %}{% endlive %}",
    ],
)
def test_fragments_with_the_same_id_are_an_error(login: Client, source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"Two {% live %} .* id 'live-a'"):
        show(login, source)


def test_page_that_is_rendered_again_has_the_same_ids(login: Client) -> None:
    assert [re.findall(' id="([^"]*)"', show(login)) for _ in range(2)] == [
        ["live-orders-customer-7"],
        ["live-orders-customer-7"],
    ]


def test_one_context_may_be_rendered_twice(rf: Any) -> None:
    context = Context({"request": _request(rf), "own": "x"})
    template = Template(SOURCE)
    assert template.render(context) == template.render(context)


@pytest.mark.parametrize("tag", ["{% include 'part' %}", "{% include 'part' only %}"])
def test_included_templates_share_ids_and_script(rf: Any, tag: str) -> None:
    part = "{% load sockgate %}{% live 'a' %}{% endlive %}"
    engine = Engine(
        libraries={"sockgate": "sockgate.templatetags.sockgate"},
        loaders=[("django.template.loaders.locmem.Loader", {"part": part})],
        context_processors=["django.template.context_processors.request"],
    )
    outer = "{% load sockgate %}{% live 'b' %}{% endlive %}" + tag

    def render(source: str) -> str:
        return engine.from_string(source).render(RequestContext(_request(rf)))

    assert render(outer).count("sockgate-live.js") == 1
    with pytest.raises(TemplateSyntaxError):
        render(outer + tag)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("{% live %}{% endlive %}", "is used so"),
        ("{% live id='x' %}{% endlive %}", "is used so"),
        ("{% live 'a' id='x' 'b' %}{% endlive %}", "is used so"),
        ("{% live 'a' onclick='x' %}{% endlive %}", "cannot have the attribute 'onclick'"),
        ("{% live 'a' data_sockgate_live='x' %}{% endlive %}", "cannot have"),
        ("{% live 'a' style='x' %}{% endlive %}", "cannot have"),
        ("{% live 'a' tag='script' %}{% endlive %}", "tag must be"),
        ("{% live 'a' tag='div onclick=x' %}{% endlive %}", "tag must be"),
        ("{% live 'a' id='x y' %}{% endlive %}", "without spaces"),
        ("{% live 'a' id='' %}{% endlive %}", "without spaces"),
        ("{% live 'a' every=0 %}{% endlive %}", "every must be"),
        ("{% live 'a' every='often' %}{% endlive %}", "every must be"),
        ("{% live 'a' every=86401 %}{% endlive %}", "every must be"),
        ("{% live 'a' tag='svg' %}{% endlive %}", "tag must be .* not 'svg': one of .* section"),
        ("{% live 'a' tag='li' %}{% endlive %}", "tag must be .* not 'li'"),
        ("{% live 'a' tag='form' %}{% endlive %}", "tag must be .* not 'form'"),
        ("{% live 'a' contenteditable='true' %}{% endlive %}", "cannot have the attribute"),
        ("{% live 'a' tag='p' %}{% endlive %}", "tag must be .* not 'p': one of .* section"),
        ("{% live 'a' tag=7 %}{% endlive %}", "tag must be"),
        ("{% live missing %}{% endlive %}", "missing is not the name of a channel"),
        ("{% live empty %}{% endlive %}", "empty is not the name of a channel"),
        ("{% live 7 %}{% endlive %}", "must be a text or a list"),
    ],
)
def test_wrong_use_names_the_cause(login: Client, source: str, cause: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=cause):
        show(login, source)


def test_fragment_names_the_hidden_fields_of_its_forms(login: Client) -> None:
    fields = (
        '<input type="hidden" name="f-TOTAL_FORMS" value="1" id="x"><input name=a value=b>'
        "<INPUT id=y TYPE=hidden name='q' value='&lt;&quot;'><input type=hidden name=q>"
    )
    [one, other] = orders(
        show(login, f"{{% live 'a' %}}{fields}{{% endlive %}}{{% live 'b' %}}{{% endlive %}}")
    )
    assert one["hidden"] == ["f-TOTAL_FORMS=1", 'q=<"', "q="]
    more = """<input hx-on:x="if (a > b) f()" type="hidden" NAME = "n" value="a\r\nb">"""
    [one] = orders(show(login, f"{{% live 'a' %}}{more}{{% endlive %}}"))
    assert one["hidden"] == ["n=a\nb"]
    assert "hidden" not in other


FORGED = '<input type="hidden" name="csrfmiddlewaretoken" value="forged">'


@pytest.mark.parametrize("fields", [f"{FORGED}{{% csrf_token %}}", "{% csrf_token %}", FORGED, ""])
def test_page_names_the_token_of_its_forms_and_no_forged_one(login: Client, fields: str) -> None:
    source = f"{{% load sockgate %}}{{% live 'a' %}}<form>{fields}</form>{{% endlive %}}"
    html = login.post(f"/?source={quote(source)}").content.decode()
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="(\w{64})"', html)
    assert len(tokens) == fields.count("csrf_token")
    named = [{"token": one["token"]} for one in orders(html) if "token" in one]
    assert named == [{"token": token} for token in tokens]


def test_bad_channel_name_is_an_error(login: Client) -> None:
    with pytest.raises(ChannelNameError):
        show(login, "{% live 'a b' %}{% endlive %}")


def test_fragment_needs_the_request() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"context_processors\.request"):
        Template(SOURCE).render(Context({"own": "x"}))


def test_script_has_the_nonce_of_the_page(rf: Any) -> None:
    context = Context({"request": _request(rf), "own": "x", "csp_nonce": "n0"})
    assert 'sockgate-live.js" nonce="n0" defer>' in Template(SOURCE).render(context)


def test_rate_is_a_setting(login: Client, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "LIVE_RATE": 7}
    assert orders(show(login))[0]["rate"] == 7
    settings.SOCKGATE = {**settings.SOCKGATE, "LIVE_RATE": 0}
    with pytest.raises(ImproperlyConfigured, match="LIVE_RATE"):
        show(login)


def test_page_without_redis_has_no_grants(login: Client, no_redis: None, caplog: Any) -> None:
    assert subscriptions(show(login)) == [{"orders": {}, "customer:7": {}}]
    assert caplog.text.count("A live page is sent without its grants") <= 1


def _request(rf: Any) -> HttpRequest:
    request: HttpRequest = rf.get("/")
    request.session = SessionStore()
    request.user = AnonymousUser()
    return request


CHANGES: dict[str, Callable[[User, Permission], object]] = {
    "permission": lambda user, permission: user.user_permissions.remove(permission),
    "permission of the group": lambda user, permission: user.groups.get().permissions.clear(),
    "flag": lambda user, _: _save(user, is_staff=False),
}


def _save(user: User, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(user, name, value)
    user.save()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_lost_permission_makes_grants_void_without_authorize(
    client: Client, settings: Any, monkeypatch: Any, change: Any
) -> None:
    """Whether the view still gives the fragment is what the page finds out then."""
    settings.SOCKGATE = {**settings.SOCKGATE, "AUTHORIZE": None}
    monkeypatch.setattr(live_grants, "_noted_at", float("-inf"))
    permission = Permission.objects.get(codename="add_group")
    user = User.objects.create_user("alice", is_staff=True)
    user.user_permissions.add(permission)
    user.groups.add(Group.objects.create(name="editors"))
    user.groups.get().permissions.add(permission)
    client.force_login(user)
    reader = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"])
    [channels] = subscriptions(show(client))
    granted = reader.read(channels["orders"]["grant"], 60)
    assert granted.rights == rights_of(str(user.pk))
    change(user, permission)
    assert granted.rights != rights_of(str(user.pk))


def test_visitor_needs_no_redis_without_authorize(
    client: Client, settings: Any, monkeypatch: Any, no_redis: None, caplog: Any
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "AUTHORIZE": None}
    monkeypatch.setattr(live_grants, "_noted_at", float("-inf"))
    assert subscriptions(client.get("/").content.decode()) == [{"orders": {}, "customer:7": {}}]
    assert "without its grants" not in caplog.text


def test_permissions_change_without_redis_and_authorize(
    settings: Any, no_redis: None, caplog: Any
) -> None:
    """As in a data migration of a site that has no Redis at that moment."""
    settings.SOCKGATE = {**settings.SOCKGATE, "AUTHORIZE": None}
    editors = Group.objects.create(name="editors")
    User.objects.create_user("alice").groups.set([])
    editors.permissions.add(Permission.objects.get(codename="add_group"))
    editors.permissions.clear()
    assert "did not reach Redis" in caplog.text


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{% cache 9 x %}{% if 1 %}{% live 'a' %}{% endlive %}{% endif %}{% endcache %}", "around"),
        ("{% live 'a' %}{% if 1 %}{% cache 9 x %}{% endcache %}{% endif %}{% endlive %}", "inside"),
        ("{% cache 9 x %}{% endcache %}{% live 'a' %}{% endlive %}", ""),
    ],
)
def test_cache_around_or_inside_is_named(
    settings: Any, caplog: Any, source: str, named: str
) -> None:
    settings.DEBUG = True
    Template("{% load sockgate cache %}" + source)
    assert [f"{{% cache %}} {named} {{% live %}} in <unknown source>" in caplog.text] == [
        bool(named)
    ]
    assert bool(caplog.records) is bool(named)


def test_pages_that_show_pushes_load_the_script_for_them(login: Client) -> None:
    tag = "{% sockgate_client live=True %}"
    html = show(login, tag + "{% live 'orders' %}{% endlive %}")
    assert SCRIPT + "\n" + SCRIPT.replace("live.js", "html.js") in html
    assert html.count("sockgate-live.js") == 1
    assert "sockgate-html.js" not in show(login, "{% sockgate_client %}{% live 'a' %}{% endlive %}")


def test_page_that_answers_a_post_names_the_token_of_its_forms(login: Client) -> None:
    source = "{% load sockgate %}{% sockgate_client live=True %}{% csrf_token %}"
    [(_, text)] = BLOCK.findall(show(login, source))
    assert "posted" not in json.loads(text)
    html = login.post("/?" + urlencode({"source": source})).content.decode()
    [(_, text)] = BLOCK.findall(html)
    assert f'name="csrfmiddlewaretoken" value="{json.loads(text)["posted"]}"' in html
