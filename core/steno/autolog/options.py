"""What `autolog()` takes: our options, MLflow's names for them, and those of single integrations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from steno.contracts.integration import Options
from steno.errors import InvalidValue
from steno.registry import rules

_COMMON = frozenset(Options.__struct_fields__) - {"extra"}
_RENAMED = {"log_every_n_step": "every_n_steps", "log_every_n_steps": "every_n_steps"}
# Accepted since users' calls hold them: `requires` is always checked, and there are no traces here.
_WITHOUT_EFFECT = frozenset({"disable_for_unsupported_versions", "log_traces"})


def read(given: Mapping[str, Any], own: Collection[str]) -> Options:
    """Return the options for one integration, or for several at once.

    Args:
        given: Keywords as the user gave them; None stands for the default.
        own: Names that the integrations declare as their own (`options=` of their offer).

    Raises:
        InvalidValue: A name nobody knows, with those it may have meant, or a value of the wrong type.
    """
    common: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in given.items():
        if name in own:
            extra[name] = value
        elif name in _WITHOUT_EFFECT:
            continue
        elif _RENAMED.get(name, name) in _COMMON:
            if value is not None:
                common[_RENAMED.get(name, name)] = value
        else:
            raise _unknown(name, own)
    options = Options(**common, extra=extra)
    _check(options)
    return options


def names(given: str | Iterable[str] | None, known: Collection[str]) -> frozenset[str]:
    """Return integration names to leave out. Raises: InvalidValue if one is not known."""
    if given is None:
        return frozenset()
    chosen = frozenset([given] if isinstance(given, str) else given)
    for name in sorted(chosen - set(known)):
        raise InvalidValue(f"no integration is called {name!r}{_near(name, known)}; known: {', '.join(sorted(known))}")
    return chosen


def _check(options: Options) -> None:
    for name in ("log_models", "log_datasets", "log_input_examples", "log_model_signatures", "silent", "exclusive"):
        if not isinstance(getattr(options, name), bool):
            raise InvalidValue(f"{name} is True or False, not {getattr(options, name)!r}")
    if options.training_metrics not in (True, False, "auto", "full"):
        raise InvalidValue(f"training_metrics is 'auto', 'full' or False, not {options.training_metrics!r}")
    if not isinstance(options.every_n_steps, int) or options.every_n_steps < 1:
        raise InvalidValue(f"every_n_steps is a whole number from 1, not {options.every_n_steps!r}")
    if options.registered_model_name is not None:
        rules.model_name(options.registered_model_name)
    if not isinstance(options.extra_tags, Mapping):
        raise InvalidValue(f"extra_tags is a dict of tags, not {options.extra_tags!r}")


def _unknown(name: str, own: Collection[str]) -> InvalidValue:
    known = {*_COMMON, *_WITHOUT_EFFECT, *own, "disable", "exclude"}
    return InvalidValue(f"autolog has no option {name!r}{_near(name, known)}")


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, sorted(known), 3)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
