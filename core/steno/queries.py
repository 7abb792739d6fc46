"""A search, parsed: the tree of conditions that a store compiles. `tracking/search.py` makes it from text."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

MAX_RESULTS = 50_000
MAX_REGISTRY_RESULTS = 200_000  # a page of model versions may be this long on MLflow's wire


class ViewType(StrEnum):
    """Which lifecycle stages a search sees."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"


class Entity(StrEnum):
    """What a field belongs to."""

    ATTRIBUTE = "attribute"
    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    DATASET = "dataset"


class Stat(StrEnum):
    """Which number of a metric's series a condition reads; `last` is what MLflow compares."""

    LAST = "last"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    STEP = "step"


class Field(Struct, frozen=True):
    """The left side of a condition, or a key to order by."""

    entity: Entity
    key: str
    stat: Stat = Stat.LAST


class Compare(Struct, frozen=True, tag=True):
    """`field op value`. `op` is one of = != > >= < <= LIKE ILIKE IN, NOT IN, IS NULL, IS NOT NULL.

    `value` is text for text fields, a number for metrics and times, a tuple of texts for IN and NOT IN,
    None for the IS forms.
    """

    field: Field
    op: str
    value: str | int | float | tuple[str, ...] | None = None


class Not(Struct, frozen=True, tag=True):
    """True where `inner` is not."""

    inner: Condition


class And(Struct, frozen=True, tag=True):
    """True where every part is."""

    parts: tuple[Condition, ...]


class Or(Struct, frozen=True, tag=True):
    """True where any part is."""

    parts: tuple[Condition, ...]


Condition = Compare | Not | And | Or


class OrderKey(Struct, frozen=True):
    """One key to order by. Real values come first, then NaN, then missing, in both directions."""

    field: Field
    ascending: bool = True


class RunQuery(Struct, frozen=True):
    """A search over the runs of some experiments; `None` for all of them, `()` for none.

    The order always ends in `start_time DESC, run_id ASC`.
    """

    experiment_ids: tuple[str, ...] | None
    where: Condition | None = None
    order_by: tuple[OrderKey, ...] = ()
    view: ViewType = ViewType.ACTIVE_ONLY
    max_results: int = 1000
    page_token: str | None = None


class ExperimentQuery(Struct, frozen=True):
    """A search over experiments; without `order_by` the newest come first."""

    where: Condition | None = None
    order_by: tuple[OrderKey, ...] = ()
    view: ViewType = ViewType.ACTIVE_ONLY
    max_results: int = 1000
    page_token: str | None = None


class DatasetRef(Struct, frozen=True):
    """A dataset by name, and by digest where one is given."""

    name: str
    digest: str | None = None


class ModelOrderKey(Struct, frozen=True):
    """One key to order logged models by; of a metric, its last point, on one dataset where one is named."""

    field: Field
    ascending: bool = True
    dataset: DatasetRef | None = None


class LoggedModelQuery(Struct, frozen=True):
    """A search over the logged models of some experiments; `None` for all of them, `()` for none.

    The order always ends in `creation_timestamp DESC, model_id ASC`; what a model lacks comes last.

    Attributes:
        where: Its fields: the attributes `name`, `model_id`, `model_type`, `source_run_id`, `experiment_id`, `status`,
            `creation_timestamp`, `last_updated_timestamp`; metrics, params and tags.
        datasets: Only points logged with one of these count in conditions on metrics; `()` for all points.
    """

    experiment_ids: tuple[str, ...] | None
    where: Condition | None = None
    order_by: tuple[ModelOrderKey, ...] = ()
    datasets: tuple[DatasetRef, ...] = ()
    view: ViewType = ViewType.ACTIVE_ONLY
    max_results: int = 1000
    page_token: str | None = None


class RegistryQuery(Struct, frozen=True):
    """A search over registered models, or over model versions; see `RegistryStore` for the order without `order_by`.

    Fields of models: the attributes `name`, `last_updated_timestamp`, and tags. Of versions: the attributes `name`,
    `run_id`, `source_path`, `version_number`, `creation_timestamp`, `last_updated_timestamp`, and tags.
    """

    where: Condition | None = None
    order_by: tuple[OrderKey, ...] = ()
    max_results: int = 1000
    page_token: str | None = None
