"""Tables as artifacts: a DataFrame as JSON (pandas' split form) or parquet."""

from __future__ import annotations

import io
import posixpath
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steno.errors import InvalidValue, MissingDependency
from steno.records import Run
from steno.tracking import media

if TYPE_CHECKING:
    import pandas as pd

_FORBIDDEN = set("\"',:[]{}")


def prepare(data: Any, name: str) -> tuple[pd.DataFrame, dict[str, bytes]]:
    """Return a table and the images taken out of its cells, as artifacts by path.

    Raises:
        InvalidValue: A name that does not end in .json or .parquet, or data that is no table.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependency("log_table", "pandas") from error
    if _extension(name) not in (".json", ".parquet") or _FORBIDDEN & set(name):
        raise InvalidValue(f"a table's file ends in .json or .parquet and holds none of \"',:[]{{}}: {name!r}")
    if isinstance(data, dict):
        scalar = all(not isinstance(v, Sequence) or isinstance(v, str) for v in data.values())
        data = pd.DataFrame({key: [value] for key, value in data.items()} if scalar else data)
    if not isinstance(data, pd.DataFrame):
        raise InvalidValue(f"a table is a dict of columns or a DataFrame, not {type(data).__name__}")
    images: dict[str, bytes] = {}
    folder = f"table_images/{posixpath.splitext(posixpath.basename(name))[0]}"
    table = data.copy()
    for column in table.columns:
        if table[column].dtype == object:
            table[column] = [_cell(value, folder, images) for value in table[column]]
    return table, images


def _cell(value: Any, folder: str, images: dict[str, bytes]) -> Any:
    if not type(value).__module__.startswith("PIL."):
        return value
    stem = f"{folder}/{uuid.uuid4()}"
    images[f"{stem}.png"] = media.image_bytes(value, "png")
    images[f"{stem}.webp"] = media.image_bytes(value, "webp")
    return {"type": "image", "filepath": f"{stem}.png", "compressed_filepath": f"{stem}.webp"}


def read(content: bytes, name: str) -> pd.DataFrame:
    """Return a stored table."""
    import pandas as pd

    if _extension(name) == ".parquet":
        return pd.read_parquet(io.BytesIO(content))
    return pd.read_json(io.BytesIO(content), orient="split")


def write(table: pd.DataFrame, name: str) -> bytes:
    """Return a table as the bytes of its file."""
    if _extension(name) == ".parquet":
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        return buffer.getvalue()
    text: str = table.to_json(orient="split", index=False, date_format="iso")
    return text.encode("utf-8")


def append(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return a table with further rows."""
    return concat([old, new])


def concat(found: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several tables in one."""
    import pandas as pd

    return pd.concat(found, ignore_index=True)


def with_columns(table: pd.DataFrame, run: Run, names: Sequence[str]) -> pd.DataFrame:
    """Add columns of the run: an attribute, a metric, a param or a tag; a name that is taken gets a '_'."""
    for name in names:
        fields = (run.data.metrics, run.data.params, run.data.tags)
        values = [getattr(run.info, name, None), *(found.get(name) for found in fields)]
        table[f"{name}_" if name in table.columns else name] = next((v for v in values if v is not None), None)
    return table


def _extension(name: str) -> str:
    return posixpath.splitext(name)[1].lower()
