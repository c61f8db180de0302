"""Applications that fail, each in its own way."""

from __future__ import annotations

from typing import Any

NASTY = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}{% raw %}"


class NastyError(Exception):
    """Its name is harmless; what it says is not."""


class Nasty:
    def __repr__(self) -> str:
        return NASTY


async def fails(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    inner()


def inner() -> None:
    nasty = Nasty()
    mapping = {NASTY: [NASTY, (NASTY,)]}
    error = NastyError(NASTY)
    error.add_note(f"a note {NASTY}")
    raise error from ValueError(f"{NASTY} {bool(nasty)} {len(mapping)}")


async def fails_after_its_head(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise LookupError("too late")


async def answers_500_and_raises(scope: Any, receive: Any, send: Any) -> None:
    """As frameworks do."""
    try:
        inner()
    except NastyError:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"x-theirs", b"1")]})
        await send({"type": "http.response.body", "body": b"Internal Server Error"})
        raise


async def fails_in_a_group(scope: Any, receive: Any, send: Any) -> None:
    errors: list[Exception] = []
    for number in range(2):
        try:
            int(f"x{number}")
        except ValueError as error:
            errors.append(error)
    raise ExceptionGroup("two things", [errors[0], ExceptionGroup("one more", [errors[1]])])


async def recurses(scope: Any, receive: Any, send: Any) -> None:
    def deeper(level: int) -> int:
        return deeper(level + 1)

    deeper(0)


async def knows_secrets(scope: Any, receive: Any, send: Any) -> None:
    password = "correct horse"
    settings = {"API_KEY": "key-from-settings", "debug": True}
    innocent = f"I say {password} and {settings['API_KEY']}"
    raise RuntimeError(f"cannot log in with {innocent}")


async def has_strange_names(scope: Any, receive: Any, send: Any) -> None:
    """Of the exception, its module, the file and the function."""
    kind = type(NASTY, (Exception,), {"__module__": NASTY})
    names: dict[str, Any] = {"kind": kind, "__name__": NASTY}
    source = "def strange():\n    raise kind('x')"
    exec(compile(source, f"/site-packages/{NASTY}/{NASTY}.py", "exec"), names)
    strange = names["strange"]
    strange.__code__ = strange.__code__.replace(co_name=NASTY, co_qualname=NASTY)
    strange()


async def has_large_variables(scope: Any, receive: Any, send: Any) -> None:
    def deeper(level: int) -> None:
        one = two = three = four = five = six = seven = eight = nine = [["x" * 500] * 50] * 50
        assert one is two is three is four is five is six is seven is eight is nine
        if level == 0:
            raise ValueError
        deeper(level - 1)

    errors: list[Exception] = []
    for _ in range(5):
        try:
            deeper(60)
        except ValueError as error:
            errors.append(error)
    raise ExceptionGroup("many", errors)
