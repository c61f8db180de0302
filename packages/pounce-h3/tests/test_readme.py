"""The examples of the README run."""

from __future__ import annotations

import pathlib
import re
import shutil
from typing import TYPE_CHECKING

from quic_identities import write_identity

if TYPE_CHECKING:
    import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_examples(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_identity(tmp_path, "one", "localhost")
    assert files.keyfile is not None
    shutil.copy(files.certfile, tmp_path / "cert.pem")
    shutil.copy(files.keyfile, tmp_path / "key.pem")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, str(README), "exec"), {"__name__": "readme"})
