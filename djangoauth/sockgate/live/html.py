"""``publish_html``: a template is rendered once, and pushed into the pages of all recipients.

It is for what is the same for all of them: a toast, a count, a row. The template is rendered
without a request, because each recipient would receive what belongs to that of the sender: names,
permissions, CSRF tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.template.loader import render_to_string
from sockgate_gateway.wire.publish_request import PublishRequest

from .. import conf
from ..errors import PublicationInvalid
from ..publishing import sending
from ..publishing.builder import PublishOptions
from ..publishing.dispatch import (
    aliases_to_await,
    async_client_for,
    awaits_commit,
    new_builder,
    now_or_on_commit,
)
from ..publishing.html_data import Swap, html_data
from ..users.recipients import UserOrPk, channel_of

Template = str | Sequence[str] | None


def publish_html(
    to: UserOrPk | Group | str,
    target: str,
    template: Template,
    context: Mapping[str, Any] | None = None,
    swap: Swap = "append",
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Render a template now, and put it into the pages of a recipient.

    Pages have ``{% sockgate_client live=True %}``.

    Args:
        to: a user, a primary key as a number, a group, or a channel's name.
        target: the id of an element. Pages without it ignore the publication.
        template: its name, or names to choose from; None with ``remove``.
        context: its variables; there is no request, and no context processor.
        swap: ``append`` or ``prepend`` inside the target, ``before`` or ``after`` it, ``replace``
            its content, ``outer`` replaces the element itself, ``remove`` removes it. ``replace``
            and ``outer`` change only what differs.
        on_commit: as for ``publish``.
        using: as for ``publish``.
        how: as for ``publish``.

    Returns:
        As ``publish``.

    Raises:
        PublicationInvalid: the recipient cannot exist, or ``target``, ``template`` or ``swap`` is
            not valid.
        PublicationTooLarge: the payload is over ``SOCKGATE["MAX_PAYLOAD"]``.
        TemplateDoesNotExist: there is no such template.
        ChannelNameError, TypeError, redis.RedisError: as for ``publish``.
    """
    one = _build(to, target, template, context, swap, how)
    return now_or_on_commit([one], aliases_to_await(on_commit, using))


async def apublish_html(
    to: UserOrPk | Group | str,
    target: str,
    template: Template,
    context: Mapping[str, Any] | None = None,
    swap: Swap = "append",
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Render a template and push it, as ``publish_html`` does."""
    one = await sync_to_async(_build)(to, target, template, context, swap, how)
    if await awaits_commit([one], on_commit, using):
        return None
    return await sending.asend(await async_client_for([one]), conf.current().names, one)


def _build(
    to: UserOrPk | Group | str,
    target: str,
    template: Template,
    context: Mapping[str, Any] | None,
    swap: str,
    how: PublishOptions,
) -> PublishRequest:
    data = html_data(target, swap, "")
    _check(template, context, swap)
    if template is not None:
        data["html"] = render_to_string(template, context)
    return new_builder().build_html(channel_of(to), data, how)


def _check(template: object, context: object, swap: object) -> None:
    if (template is None) != (swap == "remove"):
        raise PublicationInvalid('only the swap "remove" has no template; pass None there')
    if isinstance(context, HttpRequest) or not isinstance(context, Mapping | None):
        raise PublicationInvalid("context must be a dict: what is pushed belongs to no request")
