"""All channels of a client: those that the caller wants, and those that the gateway subscribes.

Strategy: a wanted channel is subscribed again on every connection, until the caller unsubscribes or
the gateway rejects it. A rejected channel is requested again when the name of the user's rights
changes: the right may have been granted, or the user may be another one.
"""

from typing import Any

from ..errors import RequestRejected
from ..events import Gap, Subscribed, Unsubscribed
from .actions import Outputs
from .credentials import IssuedGrant
from .frames import Frame, Recover
from .subscription import Subscription, SubscriptionParts


class Subscriptions:
    """The channels of a client."""

    def __init__(self, parts: SubscriptionParts) -> None:
        self._parts = parts
        self._outputs: Outputs = parts.outputs
        self._wanted: dict[str, Subscription] = {}
        self._is_attached = False
        self._rights: Any = None

    def add(
        self,
        channel: str,
        *,
        grant: IssuedGrant | None = None,
        recover: Recover | bool = True,
    ) -> bool:
        """Subscribe to a channel, now and on every later connection.

        Args:
            channel: its name.
            grant: one that the caller already has.
            recover: a position to start after; how many of the newest publications to receive
                first, or ``"all"`` that are kept; False: never recover.

        Returns:
            Whether it is subscribed already.

        Raises:
            ValueError: ``recover`` is none of these.
        """
        _check_recover(recover)
        subscription = self._wanted.get(channel)
        if subscription is None or subscription.is_rejected:
            subscription = self._open(channel, recover)
        if grant is not None:
            self._parts.grants.keep(channel, grant)
        if self._is_attached:
            subscription.subscribe()
        return subscription.is_subscribed

    def remove(self, channel: str) -> bool:
        """Unsubscribe from a channel; False: it was not wanted."""
        subscription = self._wanted.pop(channel, None)
        if subscription is None:
            return False
        self._parts.grants.drop(channel)
        if not subscription.is_automatic:
            self._parts.positions.forget(channel)
            subscription.unsubscribe()
        return True

    def is_requested(self, channel: str) -> bool:
        """Return whether the caller wants a channel that the gateway does not subscribe itself."""
        subscription = self._wanted.get(channel)
        if subscription is None or _is_automatic(channel):
            return False
        return not (subscription.is_rejected or subscription.is_automatic)

    def attach(self, channels: dict[str, Any], rights: Any) -> None:
        """Subscribe on a new connection.

        Args:
            channels: subscribed by the gateway, each with its position.
            rights: the name of the user's rights.
        """
        self._is_attached = True
        for channel, info in channels.items():
            self.confirm(channel, info if isinstance(info, dict) else {})
        self.refresh(rights)

    def refresh(self, rights: Any) -> None:
        """Subscribe to each wanted channel; to rejected ones too when the rights have changed."""
        have_changed, self._rights = rights != self._rights, rights
        for subscription in list(self._wanted.values()):
            if have_changed:
                subscription.is_rejected = False
            if self._is_attached and not subscription.is_rejected:
                subscription.subscribe()

    def detach(self) -> None:
        """Record that the connection is lost."""
        self._is_attached = False
        for subscription in self._wanted.values():
            subscription.detach()
        self._parts.requests.detach()

    def confirm(self, channel: str, info: Frame) -> None:
        """Record that the gateway has subscribed the connection without a request.

        Args:
            channel: its name.
            info: a frame, or the channel's entry in the ``connected`` frame.
        """
        subscription = self._wanted.get(channel)
        if subscription is not None and self._is_attached:
            subscription.is_rejected = False
            subscription.confirm(info)
        else:
            self._start(channel, info, is_reported="type" in info)

    def renew(self, channel: str) -> None:
        """Request a channel again that was taken away because the user's rights have changed."""
        subscription = self._wanted.get(channel)
        if subscription is None or not self._is_attached:
            self.end(channel)
            return
        self._parts.grants.drop(channel)
        subscription.detach()
        subscription.subscribe()

    def end(self, channel: str, rejection: RequestRejected | None = None) -> None:
        """Record that a channel was rejected or taken away."""
        self._parts.positions.forget(channel)
        self._parts.grants.drop(channel)
        if channel in self._wanted:
            self._wanted[channel].reject()
        code, message = (rejection.code, rejection.message) if rejection else ("", "")
        self._outputs.put(Unsubscribed(channel, code, message))

    def _open(self, channel: str, recover: Recover | bool) -> Subscription:
        subscription = self._wanted.get(channel)
        if subscription is None:
            subscription = Subscription(channel, self._parts, self._subscribed, self._rejected)
            self._wanted[channel] = subscription
        if isinstance(recover, tuple | list):
            self._parts.positions.put(channel, recover)
        elif not isinstance(recover, bool):
            self._parts.positions.want_newest(channel, recover)
        subscription.never_recovers = recover is False
        subscription.is_rejected = False
        return subscription

    def _subscribed(self, subscription: Subscription, info: Frame) -> None:
        self._start(subscription.channel, info, is_reported=True)

    def _rejected(self, subscription: Subscription, rejection: RequestRejected) -> None:
        self.end(subscription.channel, rejection)

    def _start(self, channel: str, info: Frame, *, is_reported: bool) -> None:
        is_complete = self._parts.positions.start(channel, info)
        if is_reported:
            self._outputs.put(Subscribed(channel, info.get("recovered")))
        if not is_complete:
            self._outputs.put(Gap(channel))


def _is_automatic(channel: str) -> bool:
    """Return whether only the gateway subscribes to a channel, with the connect."""
    return channel == "broadcast" or channel.startswith(("user:", "group:"))


def _check_recover(recover: Any) -> None:
    is_count = isinstance(recover, int) and (recover > 0 or isinstance(recover, bool))
    if not (is_count or recover == "all" or isinstance(recover, tuple | list)):
        raise ValueError(f'recover is a position, a number from 1, "all" or False, not {recover!r}')
