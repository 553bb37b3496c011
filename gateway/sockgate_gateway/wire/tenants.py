"""Tenants of one deployment, and names that only one tenant can have. Pure.

With ``SOCKGATE["TENANT"]`` every sid, uid and channel name on the wire is qualified: it begins with
the tenant and ``SEPARATOR``. No channel name and no tenant's name contains that character, so a
qualified name is never a plain name. Clients see plain names. The gateway qualifies the names in a
client's frames with the tenant of its verified token, and removes the tenant from the frames that
it sends. In Redis the tenant is part of the prefix: ``rt/acme:user:7``.
"""

import re

from .errors import TenantError

SEPARATOR = "\x1f"
"""ASCII's unit separator."""

MAX_TENANT_LENGTH = 63

_TENANT = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_TENANT_LENGTH - 1}}}")


def check_tenant(tenant: object) -> str:
    """Return the name unchanged.

    Raises:
        TenantError: it is not a text, is empty, or holds other than letters, digits and ``_ . -``.
    """
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise TenantError(
            f"not a tenant's name: {str(tenant)[:80]!r}; it is a text of letters, digits and "
            f"_ . -, begins with none of . -, and has at most {MAX_TENANT_LENGTH} characters"
        )
    return tenant


def in_tenant(tenant: str, name: str) -> str:
    """Qualify a name; without a tenant it is unchanged."""
    return f"{tenant}{SEPARATOR}{name}" if tenant else name


def tenant_of(name: str) -> str:
    """Return the tenant of a qualified name; empty for a plain one."""
    return name[: name.index(SEPARATOR)] if SEPARATOR in name else ""


def are_of_one_tenant(one: str, other: str) -> bool:
    """Return whether two names have the same tenant, or none."""
    if SEPARATOR not in one and SEPARATOR not in other:
        return True
    return tenant_of(one) == tenant_of(other)


def without_tenant(name: str) -> str:
    """Return a name without its tenant."""
    at = name.find(SEPARATOR) if SEPARATOR in name else 0
    return name[at + 1 :] if at else name


def named_by_client(tenant: str, name: str) -> str:
    """Qualify a client's name; one that contains a separator remains an invalid name."""
    return in_tenant(tenant, name.replace(SEPARATOR, "\0"))
