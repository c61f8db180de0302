"""Source that tells of its writes: what the modules of Pounce become while it is watched which thread writes what.

A module is imported as it is written, except that each statement which changes an attribute of an object, or a
container that is an attribute, is followed by a call that says so, that ``__init__`` says that an object is new, and
that ``with`` shows what it enters. Nothing of the product knows of it.
"""

from __future__ import annotations

import ast
import importlib.machinery
from typing import TYPE_CHECKING, Any, Final

from tests.shared_objects import CHANGING

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Sequence

__all__ = ["TellingImports", "telling"]

WROTE: Final = "__wrote__"
CHANGES: Final = "__changes__"
ENTERS: Final = "__enters__"
BORN: Final = "__born__"


class TellingImports:
    """A finder of modules, to be put first on ``sys.meta_path`` before the packages are imported."""

    def __init__(self, packages: frozenset[str], names: dict[str, Callable[..., Any]]) -> None:
        """``names``: what the calls call, by the four names of this module."""
        self._packages = packages
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """That of a module of these packages, with a loader of ours."""
        if name.partition(".")[0] not in self._packages:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _TellingLoader(spec.loader.name, spec.loader.path, self._names)
        return spec


class _TellingLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, names: dict[str, Callable[..., Any]]) -> None:
        super().__init__(name, path)
        self._names = names

    def get_code(self, fullname: str) -> types.CodeType:
        """Not from the cache."""
        tree = telling(ast.parse(self.get_data(self.path)))
        return compile(tree, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: types.ModuleType) -> None:
        """With the calls' names in it; dataclasses, whose ``__init__`` has no source, tell as well."""
        vars(module).update(self._names)
        super().exec_module(module)
        born = self._names[BORN]
        for one in tuple(vars(module).values()):
            if isinstance(one, type) and one.__module__ == module.__name__ and "__dataclass_fields__" in vars(one):
                _tell_of_birth(one, born)


def _tell_of_birth(dataclass: type, born: Callable[[object], None]) -> None:
    made = vars(dataclass).get("__init__")
    if made is None or made.__code__.co_filename != "<string>":
        return

    def __init__(self: object, *arguments: object, **options: object) -> None:  # noqa: N807 - it becomes this
        born(self)
        made(self, *arguments, **options)

    dataclass.__init__ = __init__  # type: ignore[misc]


def telling(module: ast.Module) -> ast.Module:
    """The same module, with the calls."""
    told: ast.Module = _Telling().visit(module)
    return ast.fix_missing_locations(told)


class _Telling(ast.NodeTransformer):
    def visit_Assign(self, node: ast.Assign) -> Any:
        return self._followed(node, node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return self._followed(node, [node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return self._followed(node, [node.target] if node.value is not None else [])

    def visit_Delete(self, node: ast.Delete) -> Any:
        return self._followed(node, node.targets)

    def _followed(self, node: ast.stmt, targets: Sequence[ast.expr]) -> Any:
        self.generic_visit(node)
        written = [place for target in targets for place in _places(target)]
        calls = [ast.Expr(_call(WROTE, *place)) for place in written]
        return [node, *(ast.copy_location(call, node) for call in calls)] if calls else node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            holder = node.func.value
            if isinstance(holder, ast.Attribute) and _is_plain(holder.value) and not holder.attr.startswith("__"):
                node.func.value = _call(CHANGES, holder.value, holder.attr)
        return node

    def visit_With(self, node: ast.With) -> Any:
        self.generic_visit(node)
        for item in node.items:
            if _is_plain(item.context_expr):
                item.context_expr = _call(ENTERS, item.context_expr)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self.generic_visit(node)
        if node.name == "__init__" and node.args.args:
            own = ast.Name(node.args.args[0].arg, ast.Load())
            start = 1 if ast.get_docstring(node, clean=False) is not None else 0
            node.body.insert(start, ast.Expr(_call(BORN, own)))
        return node


def _places(target: ast.expr) -> list[tuple[ast.expr, str]]:
    """The objects of which an attribute is changed, and its names."""
    if isinstance(target, ast.Tuple | ast.List):
        return [place for one in target.elts for place in _places(one)]
    if isinstance(target, ast.Starred):
        return _places(target.value)
    if isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Attribute) and _is_plain(target.value) and not target.attr.startswith("__"):
        return [(target.value, target.attr)]
    return []


def _is_plain(node: ast.expr) -> bool:
    """It may be looked up twice: a name, or an attribute of one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _call(name: str, holder: ast.expr, attribute: str | None = None) -> ast.Call:
    copied = ast.parse(ast.unparse(holder), mode="eval").body
    arguments: list[ast.expr] = [copied] if attribute is None else [copied, ast.Constant(attribute)]
    return ast.Call(ast.Name(name, ast.Load()), arguments, [])
