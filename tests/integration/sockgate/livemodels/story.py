"""Changes of live models, run by ``test_live_models.py`` in a process of its own."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.serializers import deserialize, serialize  # noqa: E402
from django.db import DatabaseError, connection, transaction  # noqa: E402
from django.db.models import signals  # noqa: E402
from django.test.utils import CaptureQueriesContext, override_settings  # noqa: E402
from sockgate.publishing.outbox import OUTBOX  # noqa: E402
from sockgate.testing import capture_publications  # noqa: E402

from tests.integration.sockgate.livemodels.models import (  # noqa: E402
    Customer,
    Label,
    Member,
    Order,
    OrderForAdmin,
    RushOrder,
    Team,
    Ticket,
    Visit,
    live_orders,
)

call_command("migrate", run_syncdb=True, verbosity=0)


def touched(change: Callable[[], Any]) -> list[str]:
    """Return the channels that a change touches, in any order, as often as it does."""
    with capture_publications() as captured:
        change()
    assert {(one.event, one.data) for one in captured} <= {("touch", None)}
    return sorted(one.channel for one in captured)


first, second = (Customer.objects.create(name=name) for name in ("first", "second"))


def new_order(kind: type[Order] = Order, **fields: Any) -> Any:
    return kind.objects.create(customer=first, **fields)


# A new object has no former state, and no query looks for one where Django looks for none.
order = Order(customer=first)
assert touched(order.save) == ["customer:1", "orders"]
with CaptureQueriesContext(connection) as queries:
    assert touched(Visit(at=date.today()).save)[0].startswith("dated:")
assert len(queries) == 1, queries.captured_queries

# A change touches where the object was, by the database, and where it is.
order.customer = second
assert touched(order.save) == ["customer:1", "customer:2", "orders"]
old = Order.objects.get(pk=order.pk)
Order.objects.filter(pk=order.pk).update(customer=first)
assert touched(old.save) == ["customer:1", "customer:2", "orders"]
assert touched(lambda: Order(pk=order.pk, customer=first).save()) == [
    "customer:1",
    "customer:2",
    "orders",
]
order.refresh_from_db()
assert touched(lambda: order.save(update_fields=["state"])) == ["customer:1", "orders"]
deferred = Order.objects.only("state").get(pk=order.pk)
assert touched(deferred.save) == ["customer:1", "orders"]


def many_saves() -> None:
    with transaction.atomic():
        for _ in range(5):
            order.save()
            new_order()


# A transaction touches each channel once, and not before its commit.
with capture_publications() as captured:
    with transaction.atomic():
        many_saves()
        assert not captured
    assert sorted(one.channel for one in captured) == ["customer:1", "orders"]


def save_and_roll_back() -> None:
    with transaction.atomic():
        order.save()
        transaction.set_rollback(True)


assert touched(save_and_roll_back) == []


def roll_a_savepoint_back() -> None:
    with transaction.atomic():
        new_order()
        with transaction.atomic():
            order.customer = second
            order.save()
            transaction.set_rollback(True)


assert touched(roll_a_savepoint_back) == ["customer:1", "orders"]
order.refresh_from_db()

# Deletions, of an object, of a queryset, and by a cascade.
moved = new_order()
moved.customer = second
assert touched(moved.delete) == ["customer:1", "customer:2", "orders"]
doomed = Customer.objects.create(name="doomed")
Order.objects.create(customer=doomed)
assert touched(doomed.delete) == [f"customer:{doomed.pk or 3}", "orders"]
Order.objects.create(customer=second)
assert touched(Order.objects.filter(customer=second).delete) == ["customer:2", "orders"]

# Many-to-many fields, from both sides, and symmetrical ones.
red, blue = (Label.objects.create(name=name) for name in ("red", "blue"))
assert touched(lambda: order.labels.add(red)) == ["customer:1", "label:red", "orders"]
assert touched(lambda: order.labels.set([blue])) == [
    "customer:1",
    "label:blue",
    "label:red",
    "orders",
]
assert touched(lambda: red.orders.add(order)) == [
    "customer:1",
    "label:blue",
    "label:red",
    "orders",
]
assert "label:red" in touched(red.orders.clear)
assert touched(lambda: blue.orders.remove(order)) == ["customer:1", "label:blue", "orders"]
other = Order.objects.create(customer=second)
assert touched(lambda: order.linked.add(other)) == ["customer:1", "customer:2", "orders"]
assert touched(order.linked.clear) == ["customer:1", "customer:2", "orders"]

# A field whose through model is named before it is defined.
member, team = Member.objects.create(name="m"), Team.objects.create(name="t")
assert touched(lambda: member.teams.add(team)) == [f"team:{team.pk}"]
assert touched(lambda: team.members.remove(member)) == [f"team:{team.pk}"]

# Subclasses and proxies, and abstract models.
rush = new_order(RushOrder)
assert touched(rush.save) == ["customer:1", "orders"]
assert touched(lambda: rush.labels.add(red)) == ["customer:1", "label:red", "orders"]
assert touched(rush.delete) == ["customer:1", "label:red", "orders"]
assert touched(OrderForAdmin.objects.get(pk=order.pk).save) == ["customer:1", "orders"]
visit = Visit.objects.create()
assert touched(visit.save) == [f"dated:{visit.pk}"]

# Receivers that save the object once more, before and after it is written.
ticket = Ticket.objects.create()
ticket.desk, ticket.saves_after = 2, 2
assert touched(ticket.save) == ["desk:1", "desk:2", "desk:2", "desk:2"]
ticket.desk = 8
assert touched(ticket.save) == ["desk:10", "desk:2", "desk:9"]
assert Ticket.objects.get(pk=ticket.pk).desk == 10

# What sends no signal.
rows = Order.objects.filter(pk__in=[order.pk, other.pk])
assert touched(lambda: rows.update(state="paid")) == []
with capture_publications() as captured, live_orders.touching(rows):
    rows.update(customer=second)
assert sorted(one.channel for one in captured) == ["customer:1", "customer:2", "orders"]
assert touched(lambda: live_orders.touch(rows)) == ["customer:2", "orders"]
made = Order.objects.bulk_create([Order(customer=first)])
assert touched(lambda: live_orders.touch(made)) == ["customer:1", "orders"]

# A block may raise after a change that stays, also where the database cannot be read any more.
for change in (lambda: rows.update(customer=first), lambda: Order.objects.raw("bad SQL")[0]):
    failures = suppress(ZeroDivisionError, DatabaseError)
    with capture_publications() as captured, failures, live_orders.touching(rows):
        change()
        raise ZeroDivisionError
    assert {"customer:2", "orders"} <= {one.channel for one in captured}
    rows.update(customer=second)
with capture_publications() as captured, suppress(DatabaseError), transaction.atomic():
    in_transaction = live_orders.touching(rows)
    with in_transaction:
        rows.update(customer=first)
        Order.objects.raw("bad SQL")[0]
assert list(captured) == []  # It was rolled back.
assert set(rows.values_list("customer", flat=True)) == {second.pk}

# Fixtures touch nothing, because what they refer to may not exist yet.
fixture = serialize("json", [order])
assert touched(lambda: [one.save() for one in deserialize("json", fixture)]) == []

# Other models stay as they are: Django deletes them without reading them.
assert not signals.pre_delete.has_listeners(Label)
assert not signals.m2m_changed.has_listeners(Label)

# Without Redis the change stands, and the log has one line.
lines: list[str] = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
logging.getLogger("sockgate").addHandler(handler)
from django.conf import settings  # noqa: E402

with override_settings(SOCKGATE={**settings.SOCKGATE, "REDIS_URL": "redis://127.0.0.1:1/0"}):
    for state in ("a", "b"):
        order.state = state
        order.save()
    assert len(lines) == 1, lines
    assert lines[0].startswith("Publications wait for Redis"), lines
    assert len(OUTBOX) == 4
    OUTBOX.flush(0)
assert OUTBOX.dropped == {f"customer:{order.customer_id}": 2, "orders": 2}, OUTBOX.dropped
assert "never sent" in lines[-1]
assert Order.objects.get(pk=order.pk).state == "b"
