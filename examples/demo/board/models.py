"""The tasks of a small shop, which alice and bob move at the same time."""

from django.conf import settings
from django.db import models
from sockgate import live_model


class Task(models.Model):
    """A card of the kanban."""

    COLUMNS = ("To do", "Doing", "Done")

    title = models.CharField(max_length=80)
    column = models.PositiveSmallIntegerField(choices=enumerate(COLUMNS), default=0)
    is_for_staff = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.title

    def move_on(self) -> None:
        """Move the card one column on; behind the last comes the first."""
        self.column = (self.column + 1) % len(self.COLUMNS)
        self.save()


live_model(Task, channels=lambda task: "tasks")


class Notice(models.Model):
    """A line in a user's bell, until they have looked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text
