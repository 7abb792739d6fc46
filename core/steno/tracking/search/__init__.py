"""The filter language: text to a tree of conditions that a store compiles, and back.

    condition   = conjunction { OR conjunction }
    conjunction = negation { AND negation }            a trailing AND is let pass
    negation    = NOT negation | "(" condition ")" | comparison
    comparison  = field operator value
    field       = [prefix "."] name                    metrics.loss, params.`learning rate`, start_time
    operator    = = | != | > | >= | < | <= | [I]LIKE | [NOT] IN | IS [NOT] NULL
    value       = 'text' | "text" | number | ('text', ...)

NOT binds tighter than AND, AND tighter than OR. `metrics.loss.min` reads the smallest value of the series
(also .max, .last, .count, .step); a key that itself ends so is quoted: metrics.`loss.min`. Inside quotes
the quote character is written twice. OR, NOT, parentheses and the statistics go beyond MLflow's language,
of which everything else is a superset. A version's number may be quoted; searches over the registry leave out
prompts unless they ask for them (`prompts`).
"""

from __future__ import annotations

from steno.tracking.search.logged_models import parse_datasets, parse_logged_models
from steno.tracking.search.parser import parse_experiments, parse_model_versions, parse_registered_models, parse_runs
from steno.tracking.search.printer import format_condition, format_field, format_order

__all__ = [
    "parse_runs",
    "parse_experiments",
    "parse_registered_models",
    "parse_model_versions",
    "parse_logged_models",
    "parse_datasets",
    "format_condition",
    "format_field",
    "format_order",
]
