"""Django with views and a database of its own, whatever else in this process has configured Django: a factory for each
of its interfaces, which worker processes can import by name.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped, untyped-decorator"

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from tests.frameworks.apps import django_app

if TYPE_CHECKING:
    from collections.abc import Callable

django_app.configure()

from asgiref.sync import iscoroutinefunction  # noqa: E402 - below here, Django has to be set up
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.decorators import sync_and_async_middleware  # noqa: E402

from tests.frameworks.apps.django_orders import Order  # noqa: E402

__all__ = ["DATABASE", "create_tables", "make_asgi", "make_wsgi", "use_database"]

DATABASE = "TEST_DATABASE_OF_DJANGO"
"""The variable that names the file: each thread has a connection of its own."""


def place(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Order.objects.create(name=request.GET["name"]).pk))


def count(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Order.objects.count()))


async def names(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return JsonResponse([order.name async for order in Order.objects.order_by("pk")], safe=False)


def lines(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(f"line {number}\n" for number in range(100))


urlpatterns = [path(view.__name__, view) for view in (place, count, names, lines)]


@sync_and_async_middleware
def own_urls(get_response: Any) -> Callable[[HttpRequest], Any]:
    """The views above, in place of those in the settings."""
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponse:
            request.urlconf = __name__
            return await get_response(request)

        return middleware

    def sync_middleware(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return sync_middleware


def use_database(file: str) -> str:
    """Use it from now on, in this thread and in new ones; the one before."""
    connection.close()
    before = str(connections.settings["default"]["NAME"])
    for known in (connections.settings["default"], connection.settings_dict):
        known["NAME"] = file
    return before


def create_tables() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    connection.close()


def make_wsgi() -> Any:
    use_database(os.environ[DATABASE])
    with override_settings(MIDDLEWARE=[f"{__name__}.own_urls"]):
        return get_wsgi_application()


def make_asgi() -> Any:
    use_database(os.environ[DATABASE])
    with override_settings(MIDDLEWARE=[f"{__name__}.own_urls"]):
        return get_asgi_application()
