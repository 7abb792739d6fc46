"""Prompts, which MLflow keeps among registered models: a search sees them only if it asks for them."""

from __future__ import annotations

from steno.queries import And, Compare, Condition, Entity, Field, Not, Or

_IS_PROMPT = Field(Entity.TAG, "mlflow.prompt.is_prompt")
_WANTED = (Compare(_IS_PROMPT, "=", "true"), Compare(_IS_PROMPT, "!=", "false"))
_UNWANTED = Compare(_IS_PROMPT, "!=", "true")

NO_PROMPT = Not(Compare(_IS_PROMPT, "=", "true"))
"""What a search that does not ask for prompts holds besides: also models without the tag are none."""


def without_prompts(where: Condition | None) -> Condition:
    """Return a condition that finds no prompts, unless it asks for them: is_prompt = 'true', or != 'false'.

    A comparison is_prompt != 'true' finds models without the tag too, against the rule for tags.
    """
    if where is None:
        return NO_PROMPT
    condition = _told(where)
    if _asks(condition):
        return condition
    parts = condition.parts if isinstance(condition, And) else (condition,)
    others = tuple(part for part in parts if part != NO_PROMPT)
    return And((*others, NO_PROMPT)) if others else NO_PROMPT


def _told(condition: Condition) -> Condition:
    """The condition, its `!= 'true'` as what is meant."""
    match condition:
        case Compare():
            return NO_PROMPT if condition == _UNWANTED else condition
        case Not(inner):
            return Not(_told(inner))
        case And(parts):
            return And(tuple(map(_told, parts)))
        case Or(parts):
            return Or(tuple(map(_told, parts)))


def _asks(condition: Condition) -> bool:
    """Whether prompts are asked for; what is negated asks for nothing."""
    if isinstance(condition, Compare):
        return condition in _WANTED
    return not isinstance(condition, Not) and any(map(_asks, condition.parts))
