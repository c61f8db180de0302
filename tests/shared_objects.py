"""Finds what all threads of a process can reach and somebody changes: by reading the source, not by running it.

That is a name of a module, or of a class, which is bound to a container that the module changes somewhere, to an object
that is made to be changed (a lock, a counter, a queue), or to one of a class of ours whose methods change it; a name
that a function declares ``global``; and a function with a cache.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["in_module", "shared_objects"]

CHANGING: Final = frozenset(
    {
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "setdefault",
        "update",
    }
)
"""Methods that change a container."""

STATEFUL: Final = frozenset(
    {
        "Barrier",
        "Condition",
        "ContextVar",
        "Counter",
        "Event",
        "Lock",
        "OrderedDict",
        "Queue",
        "RLock",
        "Semaphore",
        "SimpleQueue",
        "WeakKeyDictionary",
        "WeakSet",
        "WeakValueDictionary",
        "bytearray",
        "count",
        "cycle",
        "defaultdict",
        "deque",
        "local",
        "set",
    }
)
"""What is called to make something that is there to be changed."""

CACHES: Final = frozenset({"cache", "lru_cache", "cached_property"})
CONTAINERS: Final = frozenset({"dict", "list"})
MAKING: Final = frozenset({"__init__", "__new__", "__post_init__"})
"""What these do is over when others can reach the object."""


def shared_objects(root: Path) -> set[str]:
    """As ``package.module.name``, in all packages."""
    modules: dict[str, ast.Module] = {}
    for path in sorted(root.glob("packages/*/src/**/*.py")):
        parts = path.relative_to(next(one for one in path.parents if one.name == "src")).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        modules[name] = ast.parse(path.read_text(encoding="utf-8"))
    changing = frozenset(name for module in modules.values() for name in _classes_that_change(_classes(module)))
    return set().union(*(in_module(name, module, changing) for name, module in modules.items()))


def in_module(module_name: str, module: ast.Module, changing: frozenset[str]) -> set[str]:
    """Those of one module. ``changing``: names of classes whose objects may change."""
    classes = _classes(module)
    changing = (changing - {node.name for node in classes}) | frozenset(_classes_that_change(classes))
    functions = list(_functions(module))
    nodes = [node for function in functions for node in ast.walk(function)]
    changed = set(_changed(nodes, [node.name for node in classes]))
    found = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    scopes = [("", module.body)]
    scopes += [(f"{node.name}.", node.body) for node in classes]
    for prefix, body in scopes:
        for name, value in _bound(body):
            by_object = prefix and _is_container(value) and f"self.{name}" in changed
            if _is_stateful(value, changing) or f"{prefix}{name}" in changed or by_object:
                found.add(f"{prefix}{name}")
    for node in functions:
        if isinstance(node, ast.FunctionDef) and any(_last(one) in CACHES for one in node.decorator_list):
            found.add(node.name)
    return {f"{module_name}.{name}" for name in found if not name.startswith("__")}


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _last(node: ast.expr) -> str:
    """``lru_cache`` of ``functools.lru_cache(maxsize=4)``."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_stateful(value: ast.expr, changing: frozenset[str]) -> bool:
    return isinstance(value, ast.Call) and (_last(value) in STATEFUL or _last(value) in changing)


def _is_container(value: ast.expr) -> bool:
    made = isinstance(value, ast.Call) and _last(value) != "field"
    return made or isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


def _changed(nodes: list[ast.AST], classes: list[str]) -> Iterator[str]:
    """What is changed by functions, as it is written there: ``TABLE``, ``self.known``, ``Class.count``."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            yield ast.unparse(node.func.value)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield ast.unparse(node.value)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield from _of_class(node, classes)


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    """Those that are not within a function."""
    waiting: list[ast.stmt] = list(module.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign | ast.Expr):
            waiting += [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)]


def _classes(module: ast.Module) -> list[ast.ClassDef]:
    return [node for node in _statements(module) if isinstance(node, ast.ClassDef)]


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The outermost ones, and the methods of classes."""
    return (node for node in _statements(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _of_class(node: ast.Attribute, classes: list[str]) -> Iterator[str]:
    owner = ast.unparse(node.value)
    by_itself = owner in ("cls", "type(self)", "self.__class__")
    yield from (f"{name}.{node.attr}" for name in classes if by_itself or owner == name)


def _classes_that_change(classes: list[ast.ClassDef]) -> Iterator[str]:
    """Those of which a method changes the object after it was made."""
    for node in classes:
        if any(_last(base) in STATEFUL | CONTAINERS for base in node.bases) or any(
            _changes_itself(one) for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        ):
            yield node.name


def _changes_itself(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if method.name in MAKING:
        return False
    return any(
        (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del) and _is_self(node.value))
        or (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del) and _is_self(node.value))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CHANGING
            and _is_self(node.func.value)
        )
        for node in ast.walk(method)
    )


def _is_self(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "self"
