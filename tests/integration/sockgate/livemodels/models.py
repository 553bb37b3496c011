"""Models whose changes touch channels."""

import uuid
from typing import Any

from django.db import models
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver
from sockgate import live_model


class Customer(models.Model):
    name = models.CharField(max_length=50)


class Label(models.Model):
    name = models.CharField(max_length=50)


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)
    state = models.CharField(max_length=20, default="new")
    labels = models.ManyToManyField(Label, related_name="orders")
    linked = models.ManyToManyField("self")

    def channels(self) -> list[str]:
        labels = self.labels.values_list("name", flat=True) if self.pk else []
        return [f"customer:{self.customer_id}", "orders", *(f"label:{name}" for name in labels)]


live_orders = live_model(Order, channels=Order.channels)


class RushOrder(Order):
    hours = models.IntegerField(default=1)


class OrderForAdmin(Order):
    class Meta:
        proxy = True


class Dated(models.Model):
    at = models.DateField(null=True)

    class Meta:
        abstract = True


live_model(Dated, channels=lambda dated: f"dated:{dated.pk}")


class Visit(Dated):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Member(models.Model):
    name = models.CharField(max_length=50)
    teams = models.ManyToManyField("Team", through="Membership", related_name="members")


class Team(models.Model):
    name = models.CharField(max_length=50)


class Membership(models.Model):
    member = models.ForeignKey(Member, models.CASCADE)
    team = models.ForeignKey(Team, models.CASCADE)


def channels_of_member(member: Member) -> list[str]:
    return [f"team:{pk}" for pk in member.teams.values_list("pk", flat=True)]


live_model(Member, channels=channels_of_member)


class Ticket(models.Model):
    desk = models.IntegerField(default=1)
    saves_after = 0


@receiver(post_save, sender=Ticket)
def save_once_more(instance: Ticket, **_: Any) -> None:
    """Connected before the live model, as receivers above it are."""
    if instance.saves_after:
        instance.saves_after -= 1
        instance.save()


live_model(Ticket, channels=lambda ticket: f"desk:{ticket.desk}")


@receiver(pre_save, sender=Ticket)
def move_twice(instance: Ticket, **_: Any) -> None:
    """Connected after the live model."""
    if instance.desk == 8:
        instance.desk = 9
        instance.save()
        instance.desk = 10
