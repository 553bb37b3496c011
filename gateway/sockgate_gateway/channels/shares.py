"""A limited amount that channels share, so that none takes it from the others. Pure."""

from ..wire.tenants import tenant_of


class Shares:
    """An amount of which each tenant, and each channel of a tenant, may take what it leaves.

    Whoever is alone takes half. The other half is for the others, of whom the next may take half
    again. So one of them never empties it, and all of them together never take more than ``limit``.
    A tenant has at most half of it, and a channel at most half of that. Without tenants, all
    channels are of one.

    Args:
        limit: the whole amount.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._by_tenant: dict[str, int] = {}
        self._by_channel: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """How much is taken."""
        return self._taken

    def take(self, channel: str, amount: int) -> bool:
        """Take an amount for a channel; False: it has its share, and nothing is taken."""
        tenant = tenant_of(channel)
        of_tenant = self._by_tenant.get(tenant, 0)
        of_channel = self._by_channel.get(channel, 0)
        if of_tenant + amount > self._limit - self._taken - amount:
            return False
        if of_channel + amount > self._limit // 2 - of_tenant - amount:
            return False
        self._taken += amount
        self._by_tenant[tenant] = of_tenant + amount
        self._by_channel[channel] = of_channel + amount
        return True

    def give_back(self, channel: str, amount: int) -> None:
        """Give an amount back that was taken for a channel."""
        self._taken -= amount
        _subtract(self._by_tenant, tenant_of(channel), amount)
        _subtract(self._by_channel, channel, amount)


def _subtract(amounts: dict[str, int], name: str, amount: int) -> None:
    left = amounts[name] - amount
    if left:
        amounts[name] = left
    else:
        del amounts[name]
