"""The README's examples run as they stand, and print what they say."""

from __future__ import annotations

import pathlib
import re

import pytest

from pounce_workers import Interpreter, detect_kind

README = pathlib.Path(__file__).parents[1] / "README.md"

PRINTED = {
    "Certificates": (
        "ssl_certfile: cert.pem is not there; give the path of a file in PEM form, or make a certificate for"
        " development: pounce tls dev-cert\n"
    ),
    "Serving an application": "b'Hello, world!\\n'\n",
    "Listening sockets": "1 free port\n",
    "Threads or processes": f"{detect_kind(Interpreter.now(), workers=4).summary}\n",
}


def examples() -> dict[str, str]:
    """The code below each headline that has any."""
    _, *sections = re.split(r"^## ", README.read_text("utf-8"), flags=re.MULTILINE)
    found = {part.partition("\n")[0]: re.findall(r"```python\n(.*?)```", part, re.DOTALL) for part in sections}
    return {headline: "\n".join(code) for headline, code in found.items() if code}


def test_what_every_example_prints_is_known() -> None:
    assert examples().keys() == PRINTED.keys()


@pytest.mark.parametrize("headline", PRINTED)
def test_the_example(headline: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(examples()[headline], "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == PRINTED[headline]
