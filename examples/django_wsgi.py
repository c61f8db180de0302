"""Django over WSGI, with a view of each kind, in one file.

Serve it with ``pounce examples.django_wsgi:app``, then ``curl http://127.0.0.1:8000/``. A project of your own is served
by the module that ``startproject`` made: ``pounce mysite.wsgi:application``, or ``mysite.asgi:application`` for views
that are async throughout.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import asyncio

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def index(request: HttpRequest) -> HttpResponse:
    """A view that may block."""
    return HttpResponse("Hello, world!", content_type="text/plain")


async def later(request: HttpRequest) -> JsonResponse:
    """An async view; over WSGI Django runs it in an event loop for this request."""
    await asyncio.sleep(0.01)
    return JsonResponse({"hello": request.GET.get("name", "later")})


urlpatterns = [path("", index), path("later", later)]

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        LOGGING_CONFIG=None,
        ROOT_URLCONF=__name__,
        SECRET_KEY="for this example",  # noqa: S106 - it guards nothing; a project of your own has its own
    )

app = get_wsgi_application()
