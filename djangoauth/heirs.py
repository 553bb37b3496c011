"""Whose signals to hear: Django sends them under the class that was saved, be it a proxy."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model


def heirs_of(model: type[Model]) -> Iterator[type[Model]]:
    """List a model, its proxies and its children."""
    return (heir for heir in apps.get_models() if issubclass(heir, model))
