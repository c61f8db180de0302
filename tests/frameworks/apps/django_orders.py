"""A model for the tests of Django's ORM. Import it once Django is set up."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped, misc"

from __future__ import annotations

from django.db import models

__all__ = ["Order"]


class Order(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "orders"

    def __str__(self) -> str:
        return str(self.name)
