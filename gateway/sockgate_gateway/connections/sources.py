"""IP addresses, and the source that a limit counts. Pure."""

from ipaddress import IPv4Address, IPv6Address, ip_address


def source_of(address: str) -> str:
    """Return what a limit per address counts: an IPv4 address, or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    parsed = read_address(address)
    if isinstance(parsed, IPv6Address):
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return address if parsed is None else str(parsed)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an IP address, an IPv4 one also where it is written as IPv6; None: it is none."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
