"""The current tenant, which is part of every name in Redis where ``SOCKGATE["TENANT"]`` is set.

Without the setting, names have no tenant, and the functions here return them unchanged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils.module_loading import import_string
from sockgate_gateway.wire import names
from sockgate_gateway.wire.errors import TenantError
from sockgate_gateway.wire.tenants import check_tenant, in_tenant, without_tenant

from . import conf

_chosen: ContextVar[str] = ContextVar("sockgate_tenant", default="")


def current_tenant() -> str:
    """Return the name of the current tenant; empty without ``SOCKGATE["TENANT"]``.

    Raises:
        TenantError: the callable returns something else than the name of a tenant.
    """
    if conf.current().tenant is None:
        return ""
    return _chosen.get() or _called()


@contextmanager
def use_tenant(tenant: str) -> Iterator[None]:
    """Use this tenant for every Sockgate call in the block, whatever ``TENANT`` returns.

    Raises:
        ImproperlyConfigured: ``SOCKGATE["TENANT"]`` is not set.
        TenantError: the text is not the name of a tenant.
    """
    token = _chosen.set(_checked(tenant))
    try:
        yield
    finally:
        _chosen.reset(token)


def tenant_for(chosen: str | None) -> str:
    """Return the tenant of a call's ``tenant=``, or the current one; raises as ``use_tenant``."""
    return current_tenant() if chosen is None else _checked(chosen)


def schema_name() -> str:
    """Return django-tenants' schema of the default connection, for ``SOCKGATE["TENANT"]``."""
    return str(getattr(connection, "schema_name", ""))


def qualify(name: str) -> str:
    """Add the current tenant to a uid or channel."""
    return in_tenant(current_tenant(), name)


def bare(name: str) -> str:
    """Remove the tenant from a uid or channel."""
    return name if conf.current().tenant is None else without_tenant(name)


def sid_of(session_key: str) -> str:
    """Return the sid of a session of the current tenant."""
    return qualify(names.sid_of(session_key))


def pinned(act: Callable[[], Any]) -> Callable[[], Any]:
    """Wrap an action that runs later, at a commit, in the tenant that is current now."""
    if conf.current().tenant is None:
        return act
    tenant = current_tenant()

    def act_as_tenant() -> Any:
        with use_tenant(tenant):
            return act()

    return act_as_tenant


def sees_rows() -> bool:
    """Check that the database connection shows the rows of the current tenant.

    It may show another tenant's inside ``use_tenant``, or at a commit after the tenant's own block.
    """
    chosen = _chosen.get()
    if conf.current().tenant is None or not chosen:
        return True
    try:
        return _called() == chosen
    except TenantError:
        return False


def _checked(tenant: str) -> str:
    if conf.current().tenant is None:
        raise ImproperlyConfigured('SOCKGATE["TENANT"] is not set, so there are no tenants.')
    return check_tenant(tenant)


def _called() -> str:
    get_tenant = conf.current().tenant
    if isinstance(get_tenant, str):
        get_tenant = import_string(get_tenant)
    try:
        return check_tenant(get_tenant() if get_tenant else "")
    except TenantError as error:
        raise TenantError(f'SOCKGATE["TENANT"] returned {error}') from None
