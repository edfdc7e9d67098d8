"""Every reason that the code can put into a condition or an Event, read from its syntax.

A reason is whatever is passed as a parameter called `reason`: to an error, a verdict, a condition, an Event.
Names are followed inside their file; a parameter of that name only hands on what its own callers pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.api.status import Phase

ROOT = Path(__file__).resolve().parents[3]
CAMEL = re.compile(r"(?:[A-Z]+[a-z]*)+\Z")
PHASES = frozenset(str(phase) for phase in Phase)
"""A condition under way has its phase as reason."""
OF_THE_BRIDGE = {"Nothing": 0, "WrongField": 0, "Remove": 1, "Refused": 1, "Refusal": 1}
"""What the bridge answers with, and where among its arguments the reason stands."""
ERRORS = ("InvalidSpec", "NotReady", "BackendUnavailable", "Conflict", "PreviewError")


@dataclass(frozen=True)
class Module:
    """A file and its syntax."""

    path: Path
    tree: ast.Module

    def constants(self, expression: ast.expr) -> set[str]:
        """Every reason that an expression may stand for."""
        match expression:
            case ast.Constant(value=str(text)) if CAMEL.match(text):
                return {text}
            case ast.IfExp(body=body, orelse=orelse):
                return self.constants(body) | self.constants(orelse)
            case ast.Name(id=wanted):
                assigned = [value for name, value in self._assignments() if name == wanted]
                return set().union(*map(self.constants, assigned))
        return set()

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def _assignments(self) -> Iterator[tuple[str, ast.expr]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign):
                yield from (
                    (target.id, node.value) for target in node.targets if isinstance(target, ast.Name)
                )
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                yield node.target.id, node.value


def modules(folder: Path = ROOT / "controller") -> list[Module]:
    """Every module of the operator."""
    return [Module(path, ast.parse(path.read_text())) for path in sorted(folder.rglob("*.py"))]


def reasons(found: list[Module], more: Mapping[str, int] | None = None) -> set[str]:
    """Every reason in them; `more` are calls that have one at a place of its own."""
    positions = {**_positions(found), **(more or {})}
    return {
        reason
        for module in found
        for call in module.calls()
        for argument in _reason_arguments(call, positions)
        for reason in module.constants(argument)
    }


def unreadable(found: list[Module]) -> list[str]:
    """Errors whose reason cannot be read from the syntax: neither a text, nor handed on."""
    return [
        f"{module.path.relative_to(ROOT)}:{call.lineno}"
        for module in found
        for call in module.calls()
        if _name(call) in ERRORS
        and not module.constants(call.args[0])
        and ast.unparse(call.args[0]).rpartition(".")[2] != "reason"
    ]


def _positions(found: list[Module]) -> Mapping[str, int]:
    """Functions with a parameter called `reason`, and its place among their arguments."""
    places = dict.fromkeys(ERRORS, 0)
    for module in found:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
                names = [argument.arg for argument in node.args.args if argument.arg != "self"]
                if "reason" in names:
                    places[node.name] = names.index("reason")
    return places


def _reason_arguments(call: ast.Call, positions: Mapping[str, int]) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "reason")
    place = positions.get(_name(call))
    if place is not None and place < len(call.args):
        yield call.args[place]


def _name(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
