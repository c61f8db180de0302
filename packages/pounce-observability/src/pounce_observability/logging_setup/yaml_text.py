"""YAML, by PyYAML. The only file that imports it."""

from __future__ import annotations

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

__all__ = ["YamlError", "read_yaml"]


class YamlError(ValueError):
    """The text is not YAML; the message says why and where."""


def read_yaml(text: str) -> object:
    """The plain values that a text holds; it cannot make objects.

    Raises:
        YamlError: it is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise YamlError(f"{error.problem or 'not YAML'}{place}") from error
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
