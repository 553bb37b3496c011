"""A throw-away session of a throw-away or given user. Whatever is made is removed at the end."""

from contextlib import ExitStack
from importlib import import_module
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.core.exceptions import ValidationError
from django.db import DatabaseError, router, transaction
from django.db.models import EmailField
from django.utils.crypto import get_random_string
from sockgate_gateway.wire.names import user_channel

from ... import conf
from ...redis_clients import pools
from ...tenants import current_tenant, qualify
from ...users import records
from ...users.recipients import uid_of, wire_uid
from .report import StepFailed

SESSION_AGE_S = 300
"""A session that could not be removed ends by itself."""

_CSRF_LENGTH = 32
_CSRF_SESSION_KEY = "_csrftoken"


class Visit:
    """A user with a session.

    Args:
        username: of an existing user; None: a user is created, and deleted at the end.
    """

    def __init__(self, username: str | None) -> None:
        self._username = username
        self._created: Any = None
        self._session: Any = None
        self.user: Any = None
        self.csrf_token = get_random_string(_CSRF_LENGTH)

    def find_user(self) -> str:
        """Find or create the user; return the name.

        Raises:
            TenantError: there is no current tenant; no user is created then.
        """
        current_tenant()
        self.user = self._create() if self._username is None else self._find(self._username)
        return str(self.user.get_username())

    def log_in(self) -> None:
        """Start a session of the user, as a login does."""
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = self.user._meta.pk.value_to_string(self.user)
        session[BACKEND_SESSION_KEY] = self._backend()
        session[HASH_SESSION_KEY] = _auth_hash(self.user)
        if settings.CSRF_USE_SESSIONS:
            session[_CSRF_SESSION_KEY] = self.csrf_token
        session.set_expiry(SESSION_AGE_S)
        session.create()
        self._session = session

    def log_out(self) -> None:
        """End the session, as a logout does."""
        session, self._session = self._session, None
        if session is not None:
            session.flush()

    def clean_up(self) -> None:
        """Remove the session, and the user if it was created."""
        created, self._created = self._created, None
        with ExitStack() as steps:  # Each step is made, even when one before has failed.
            if created is not None:
                uid = uid_of(created)
                steps.callback(lambda: _forget_channel(qualify(user_channel(uid))))
                steps.callback(_delete, created)
            steps.callback(self.log_out)

    @property
    def cookies(self) -> str:
        """The header ``Cookie`` of the user's browser."""
        cookies = {settings.SESSION_COOKIE_NAME: self._session.session_key}
        if not settings.CSRF_USE_SESSIONS:
            cookies[settings.CSRF_COOKIE_NAME] = self.csrf_token
        return "; ".join(f"{name}={text}" for name, text in cookies.items())

    def _find(self, username: str) -> Any:
        model = get_user_model()
        try:
            user = model._default_manager.get_by_natural_key(username)
        except model.DoesNotExist as error:
            mend = "Name another one with --user, or leave it out."
            raise StepFailed(f"There is no user {username!r}.", mend, "doctor-user") from error
        if not getattr(user, "is_active", True):
            mend = "Name an active user with --user."
            raise StepFailed(f"The user {username!r} is not active.", mend, "doctor-user")
        return user

    def _create(self) -> Any:
        model: Any = get_user_model()
        field = model._meta.get_field(model.USERNAME_FIELD)
        name = f"sockgate-doctor-{token_hex(6)}"
        if isinstance(field, EmailField):
            name += "@example.invalid"
        user = model(**{model.USERNAME_FIELD: name})
        try:
            user.set_unusable_password()
            # A receiver may fail after the row is written, for example where its table is missing.
            with transaction.atomic(using=router.db_for_write(model)):
                user.save()
        except (DatabaseError, ValidationError, ValueError, TypeError) as error:
            raise StepFailed(
                f"A throw-away user cannot be created: {error}",
                "Name an existing user with --user.",
                "doctor-user",
            ) from error
        self._created = user
        return user

    def _backend(self) -> str:
        """Return the first authentication backend that finds the user by primary key."""
        for path in settings.AUTHENTICATION_BACKENDS:
            backend = load_backend(path)
            if getattr(backend, "get_user", lambda _: None)(self.user.pk) is not None:
                return str(path)
        raise StepFailed(
            f"No backend in AUTHENTICATION_BACKENDS finds the user {self.user.get_username()!r}.",
            "Name a user who can log in with --user.",
            "doctor-user",
        )


def _delete(user: Any) -> None:
    """Delete a user whom nothing refers to; also where a table that could is missing."""
    pk, model = user.pk, type(user)
    using = router.db_for_write(model)
    try:
        with transaction.atomic(using=using):
            user.delete(using=using)
    except DatabaseError:
        rows = model._base_manager.using(using).filter(pk=pk)
        rows._raw_delete(using)
        records.remove(wire_uid(user))
        raise


def _forget_channel(channel: str) -> None:
    """Delete the position that the gateway notes for a channel with a connection."""
    names = conf.current().names
    pools.records().delete(names.offset(channel), names.history(channel))


def _auth_hash(user: Any) -> str:
    return user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else ""
