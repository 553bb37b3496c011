"""Live models: whatever changes an object touches its channels, so that pages load it again.

Strategy: the channels of an object may depend on its fields, so that a change may move it from one
page to another. The channels before a change are those of the row in the database, which is read
before the save; the object in memory may have been changed, or may be old. Both are touched when
the transaction commits. A touch that fails is logged: it must not undo the change.

The handlers are connected to the model and to its subclasses one by one. A handler for all models
would make each deletion of the whole project slower.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from django.db import DatabaseError, router
from django.db.models import Model, QuerySet
from django.db.models.fields.related import lazy_related_operation
from django.db.models.signals import (
    class_prepared,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from django.db.transaction import TransactionManagementError
from sockgate_gateway.wire.names import check_channel
from sockgate_gateway.wire.publish_request import PublishRequest

from ..access.reminder import Reminder
from ..redis_clients import redis_errors

log = logging.getLogger("sockgate")

_Object = TypeVar("_Object", bound=Model)

_REDIS_REMINDER = Reminder()
"""A touch could not be published."""


def live_model(
    model: type[_Object], channels: Callable[[_Object], str | Iterable[str]]
) -> "LiveModel[_Object]":
    """Touch the channels of an object whenever it is saved or deleted, once the change commits.

    Call it once, beside the model. It also follows subclasses, and the many-to-many fields of the
    model. ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw SQL send no signals: see
    ``LiveModel.touching`` and ``LiveModel.touch``.

    Args:
        model: a model; an abstract one stands for its subclasses.
        channels: returns the channels of an object, for example
            ``lambda order: [f"customer:{order.customer_id}", "orders"]``.

    Raises:
        ChannelNameError: at a change, when ``channels`` returns what is not a channel name.
        TypeError: ``channels`` is not a function.
    """
    if not callable(channels):
        raise TypeError(
            'channels must be a function of an object, such as lambda order: "orders", '
            f"not {type(channels).__name__}"
        )
    live = LiveModel(model, channels)
    live.connect()
    return live


class LiveModel(Generic[_Object]):
    """A model whose changes touch channels; made by ``live_model``."""

    def __init__(
        self, model: type[_Object], channels: Callable[[_Object], str | Iterable[str]]
    ) -> None:
        self._model = model
        self._channels = channels
        # Of changes that have begun: by the state of the object, and what changes.
        self._begun: WeakKeyDictionary[Any, dict[object, _Change]] = WeakKeyDictionary()

    def touch(self, objects: Iterable[_Object]) -> None:
        """Touch the channels of objects, for example after ``bulk_create``.

        Args:
            objects: a queryset, or saved objects.
        """
        using = objects.db if isinstance(objects, QuerySet) else None
        for channel in self._channels_of(objects):
            _touch(channel, using or router.db_for_write(self._model))

    @contextmanager
    def touching(self, objects: "QuerySet[_Object]") -> Iterator[None]:
        """Touch what the objects of a queryset touch before and after the block.

        For ``QuerySet.update``, ``bulk_update``, and raw SQL::

            with live_orders.touching(Order.objects.filter(customer=old)):
                Order.objects.filter(customer=old).update(customer=new)

        It touches them also when the block raises, because something may have been committed.
        """
        using = router.db_for_write(objects.model)
        stored = objects.model._base_manager.using(using)
        pks = list(objects.values_list("pk", flat=True))
        before = self._channels_of(stored.filter(pk__in=pks))
        try:
            yield
        except BaseException:
            self._touch_after_failure(before, stored.filter(pk__in=pks))
            raise
        for channel in before | self._channels_of(stored.filter(pk__in=pks)):
            _touch(channel, using)

    def _touch_after_failure(self, before: frozenset[str], stored: "QuerySet[_Object]") -> None:
        """Touch what may have changed; a touch inside a transaction is dropped with it."""
        after: frozenset[str] = frozenset()
        # Nothing can be read in a transaction that must be rolled back, or without the database.
        with suppress(DatabaseError, TransactionManagementError):
            after = self._channels_of(stored)
        for channel in before | after:
            _touch(channel, stored.db)

    def connect(self) -> None:
        """Follow the changes of the model and of its subclasses."""
        class_prepared.connect(self._on_class, weak=False)
        for model in _with_subclasses(self._model):
            self._on_class(model)

    def _on_class(self, sender: type[Model], **_: Any) -> None:
        if not issubclass(sender, self._model) or sender._meta.abstract:
            return
        pre_save.connect(self._before_save, sender, weak=False)
        post_save.connect(self._after_save, sender, weak=False)
        pre_delete.connect(self._before_delete, sender, weak=False)
        post_delete.connect(self._after_delete, sender, weak=False)
        for field in sender._meta.many_to_many:
            connect: Any = partial(self._on_many_to_many, field)
            lazy_related_operation(connect, sender, field.remote_field.through or sender)

    def _on_many_to_many(self, field: Any, _: type[Model], through: type[Model]) -> None:
        changed, uid = partial(self._many_to_many_changed, field), (id(self), field.name)
        m2m_changed.connect(changed, through, weak=False, dispatch_uid=uid)

    def _before_save(self, instance: Any, raw: bool, using: str, **_: Any) -> None:
        if not raw:  # Of a fixture: what the object refers to may not exist yet.
            self._begin(instance, "save", _row(instance, using))

    def _after_save(self, instance: Any, raw: bool, using: str, **_: Any) -> None:
        if not raw:
            self._end(instance, "save", using, [instance])

    def _before_delete(self, instance: Any, using: str, origin: Any = None, **_: Any) -> None:
        # Others than the origin have been read for this deletion.
        row = _row(instance, using) if origin is instance else ()
        self._begin(instance, "delete", [instance, *row])

    def _after_delete(self, instance: Any, using: str, **_: Any) -> None:
        self._end(instance, "delete", using, [])

    def _many_to_many_changed(
        self,
        field: Any,
        *,
        instance: Any,
        action: str,
        reverse: bool,
        pk_set: set[Any] | None,
        using: str,
        **_: Any,
    ) -> None:
        when, _separator, what = action.partition("_")
        if when == "post":
            self._end(instance, (field.name, what), using)
            return
        stored = field.model._base_manager.using(using)
        pks = set() if reverse else {instance.pk}
        if reverse or field.remote_field.symmetrical:
            related = stored.filter(**{field.name: instance})
            pks |= set(related.values_list("pk", flat=True)) if pk_set is None else pk_set
        self._begin(instance, (field.name, what), stored.filter(pk__in=pks))

    def _begin(self, instance: Any, what: object, before: Any) -> None:
        changes, channels = self._begun.setdefault(instance._state, {}), self._channels_of(before)
        # A receiver may save the object once more, before this change has ended.
        outer = changes.get(what)
        changes[what] = _Change(before, channels | outer.channels if outer else channels)

    def _end(
        self, instance: Any, what: object, using: str, after: Iterable[_Object] | None = None
    ) -> None:
        """Touch the channels before a change and after it; None: read the objects again."""
        change = self._begun.get(instance._state, {}).pop(what, None)
        if after is None:
            after = change.objects.all() if change else ()
        # An inner save has ended the change of the outer one, and touched what was before both.
        before = change.channels if change else frozenset()
        for channel in before | self._channels_of(after):
            _touch(channel, using)

    def _channels_of(self, objects: Iterable[_Object]) -> frozenset[str]:
        return frozenset(channel for one in objects for channel in self._names(one))

    def _names(self, one: _Object) -> list[str]:
        names = self._channels(one)
        return [check_channel(name) for name in ([names] if isinstance(names, str) else names)]


class _Change(NamedTuple):
    """A change that has begun: a queryset or list of objects, and their channels until then."""

    objects: Any
    channels: frozenset[str]


def _with_subclasses(model: type[Model]) -> Iterator[type[Model]]:
    yield model
    for subclass in model.__subclasses__():
        yield from _with_subclasses(subclass)


def _row(instance: Model, using: str) -> "QuerySet[Any]":
    """Return the row of an object as the database has it; none where Django looks for none."""
    stored = type(instance)._base_manager.using(using)
    is_new = instance._state.adding and instance._meta.pk.has_default()
    return stored.none() if is_new or instance.pk is None else stored.filter(pk=instance.pk)


def _touch(channel: str, using: str) -> None:
    """Touch a channel at the commit on this database, and log a failure of Redis."""
    # Imported here: models are imported before Django permits the import of other models.
    from ..publishing.dispatch import deliver, new_builder
    from ..publishing.transactions import once_after_commit, open_aliases

    one = new_builder().build_touch(channel, None)
    act, aliases = partial(_deliver, deliver, [one]), open_aliases(using)
    if aliases:
        once_after_commit(one)(act, aliases)
    else:
        act()


def _deliver(
    deliver: Callable[[list[PublishRequest]], object], batch: list[PublishRequest]
) -> None:
    try:
        deliver(batch)
    except redis_errors.RedisError as error:
        if _REDIS_REMINDER.is_due():
            log.warning("A change of a live model was not announced to the pages: %s", error)
