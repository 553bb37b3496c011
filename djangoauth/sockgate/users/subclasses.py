"""The classes under which Django sends a model's signals.

Django sends a signal with the class that was saved, which may be a proxy or a child of the model.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model


def subclasses_of(model: type[Model]) -> Iterator[type[Model]]:
    """List a model, its proxies and its children."""
    return (found for found in apps.get_models() if issubclass(found, model))
