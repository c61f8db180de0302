"""The error tree: every class carries its answer."""

from __future__ import annotations

import inspect

import pytest

from pounce_asgi import errors

TABLE = [
    # class, is also a, status, must_close
    (errors.PounceError, Exception, None, False),
    (errors.ConfigError, errors.PounceError, None, False),
    (errors.AppImportError, errors.PounceError, None, False),
    (errors.LifespanError, errors.PounceError, None, False),
    (errors.ApplicationError, errors.PounceError, 500, False),
    (errors.UnexpectedMessage, errors.ApplicationError, 500, False),
    (errors.InvalidMessage, TypeError, 500, False),
    (errors.InvalidMessage, errors.ApplicationError, 500, False),
    (errors.InvalidResponseHeader, ValueError, 500, False),
    (errors.InvalidResponseHeader, errors.ApplicationError, 500, False),
    (errors.ContentLengthMismatch, errors.ApplicationError, 500, True),
    (errors.MissingResponse, errors.ApplicationError, 500, False),
    (errors.IncompleteResponse, errors.ApplicationError, 500, True),
    (errors.ClientGone, OSError, None, True),
    (errors.ClientGone, errors.PounceError, None, True),
    (errors.RequestError, errors.PounceError, 400, True),
    (errors.RequestTimeout, errors.RequestError, 408, True),
    (errors.RequestTooLarge, errors.RequestError, 413, True),
    (errors.ExpectationFailed, errors.RequestError, 417, False),
    (errors.IncompleteBody, errors.RequestError, 400, True),
    (errors.ServiceUnavailable, errors.PounceError, 503, True),
]


@pytest.mark.parametrize(("cls", "base", "status", "must_close"), TABLE)
def test_attributes(cls: type[errors.PounceError], base: type, status: int | None, must_close: bool) -> None:
    error = cls("what happened")
    assert isinstance(error, base)
    assert str(error) == "what happened"
    assert (error.status, error.must_close) == (status, must_close)


def test_the_table_is_complete() -> None:
    public = {
        value for value in vars(errors).values() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert public == {row[0] for row in TABLE}
    assert {cls.__name__ for cls in public} == set(errors.__all__)


def test_a_translated_request_error_keeps_its_meaning() -> None:
    error = errors.RequestError("too many fields", status=431, must_close=False)
    assert (error.status, error.must_close) == (431, False)
    assert (errors.RequestError.status, errors.RequestError.must_close) == (400, True)


def test_a_translated_error_of_a_subclass_may_differ_in_one_attribute() -> None:
    error = errors.RequestTooLarge("too large", must_close=False)
    assert (error.status, error.must_close) == (413, False)


def test_retry_after() -> None:
    assert errors.ServiceUnavailable("busy").retry_after == 1
    assert errors.ServiceUnavailable("busy", retry_after=30).retry_after == 30
