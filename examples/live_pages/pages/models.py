"""Orders, notices for one user, and what is said in the chat."""

from django.conf import settings
from django.db import models
from sockgate import live_model


class Order(models.Model):
    """An order; its customer and the staff see it."""

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    what = models.CharField(max_length=80)
    is_paid = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.what


class Notice(models.Model):
    """A notice for one user, who has not read it yet."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text


class Message(models.Model):
    """A message in the chat."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.text


# begin list
live_model(Order, channels=lambda order: "orders")
# end list
