"""What a loss is called: the variable in the line of the user's that calls `backward`."""

from __future__ import annotations

import ast
import linecache
import sys
from itertools import islice
from types import CodeType, FrameType

from steno_torch.callers import is_users

LOSS = "loss"
_MOST_SITES = 4096
_MOST_CALLERS = 16
_REDUCTIONS = frozenset({"mean", "sum", "squeeze", "float", "double", "to", "cpu", "clone", "item", "contiguous"})
known_sites: dict[tuple[int, int], tuple[CodeType, tuple[str, ...]]] = {}
"""The names at each place that has called `backward`. By the identity of its code, which is kept: hashing it would read
the whole of it."""


def names_at(depth: int) -> tuple[str, ...]:
    """Return the names at the call of `backward` that is running; one, or one for each of a list.

    Args:
        depth: How many frames to go up at once; they are ours.
    """
    return _look(sys._getframe(depth))


def place_of_call() -> int | None:
    """Return a number that is the same for calls from one line, by the same way; None inside of a checkpoint.

    What a checkpoint calls it calls without gradients, in the midst of a step.
    """
    caller: FrameType | None = sys._getframe(1)
    places: list[tuple[int, int]] = []
    while caller is not None and len(places) < _MOST_CALLERS:
        if is_users(caller):
            places.append((id(caller.f_code), caller.f_lasti))
        elif caller.f_globals.get("__name__") == "torch.utils.checkpoint":
            return None
        caller = caller.f_back
    return hash(tuple(places))


def _look(frame: FrameType | None) -> tuple[str, ...]:
    while frame is not None and not is_users(frame):
        frame = frame.f_back
    if frame is None:
        return (LOSS,)
    key = (id(frame.f_code), frame.f_lasti)
    site = known_sites.get(key)
    if site is None:
        if len(known_sites) > _MOST_SITES:
            known_sites.clear()
        site = known_sites[key] = (frame.f_code, _names(frame.f_code, frame.f_lasti))
    return site[1]


def _names(code: CodeType, instruction: int) -> tuple[str, ...]:
    try:
        call = ast.parse(f"({_text(code, instruction)}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (LOSS,)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute | ast.Name):
        return (LOSS,)
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "tensors"), None)
    # `loss.backward()` is a method of the loss; `torch.autograd.backward(loss)` and `fabric.backward(loss)` take it.
    if given is None or (isinstance(call.func, ast.Attribute) and _is_tensor_call(call)):
        return (_name(call.func.value) if isinstance(call.func, ast.Attribute) else LOSS,)
    if isinstance(given, ast.List | ast.Tuple):
        return tuple(_name(each) for each in given.elts) or (LOSS,)
    return (_name(given),)


def _is_tensor_call(call: ast.Call) -> bool:
    """Whether the positional arguments are gradients rather than losses: `out.backward(torch.ones(3))`."""
    receiver = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    return receiver.rpartition(".")[2] not in ("autograd", "fabric", "accelerator", "torch", "engine")


def _name(node: ast.expr) -> str:
    """The name of what an expression stands for, `loss` where none would be true."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.NamedExpr(target=ast.Name(id=name)):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript(value=value):
            return _name(value)
        case ast.BinOp(op=ast.Div(), left=left):
            return _name(left)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return _name(right if isinstance(left, ast.Constant) else left) if _one_is_number(left, right) else LOSS
        case ast.Call(func=ast.Attribute(attr="scale"), args=[scaled, *_]):
            return _name(scaled)
        case ast.Call(func=ast.Attribute(attr=method, value=value)) if method in _REDUCTIONS:
            return _name(value)
    return LOSS


def _one_is_number(left: ast.expr, right: ast.expr) -> bool:
    return isinstance(left, ast.Constant) or isinstance(right, ast.Constant)


def _text(code: CodeType, instruction: int) -> str:
    place = next(islice(code.co_positions(), instruction // 2, None), None)
    if place is None or None in place:
        return ""
    first, last, start, stop = (number or 0 for number in place)
    lines = [linecache.getline(code.co_filename, number).rstrip("\n").encode() for number in range(first, last + 1)]
    if not lines:
        return ""
    lines[-1] = lines[-1][:stop]
    lines[0] = lines[0][start:]
    return "\n".join(line.decode(errors="replace") for line in lines)
