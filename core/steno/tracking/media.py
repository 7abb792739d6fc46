"""Figures, images and structured texts as bytes."""

from __future__ import annotations

import io
import json
import posixpath
import re
import time
import uuid
import warnings
from typing import TYPE_CHECKING, Any

from steno.errors import InvalidValue, MissingDependency

if TYPE_CHECKING:
    from PIL.Image import Image

_IMAGE_KEY = re.compile(r"[a-zA-Z0-9_\-./ ]+")
_THUMBNAIL = 256


def figure_bytes(figure: Any, name: str, save_kwargs: dict[str, Any]) -> bytes:
    """Draw a matplotlib or plotly figure in the format its name ends in."""
    module = type(figure).__module__.partition(".")[0]
    extension = posixpath.splitext(name)[1].lstrip(".").lower()
    if module == "matplotlib" and hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=extension or "png", **save_kwargs)
        return buffer.getvalue()
    if module == "plotly":
        if extension == "html":
            text: str = figure.to_html(include_plotlyjs="cdn", **save_kwargs)
            return text.encode("utf-8")
        drawn: bytes = figure.to_image(format=extension, **save_kwargs)
        return drawn
    raise TypeError(
        f"a figure of matplotlib or plotly is needed, not {type(figure).__module__}.{type(figure).__name__}"
    )


def to_pil(image: Any) -> Image:
    """Return an array or PIL image as PIL.

    Raises:
        InvalidValue: A shape other than (H, W) or (H, W, 1|3|4), or integers outside 0..255.
    """
    try:
        import numpy as np
        from PIL import Image as Pillow
    except ImportError as error:
        raise MissingDependency("log_image", "'steno[plots]'") from error
    if isinstance(image, Pillow.Image):
        return image
    array = np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InvalidValue(f"an image has shape (H, W) or (H, W, 1, 3 or 4), not {array.shape}")
    if array.dtype.kind == "b":
        array = array.astype("uint8") * 255
    elif array.dtype.kind in "iu":
        if array.size and (array.min() < 0 or array.max() > 255):
            raise InvalidValue(f"integers of an image lie in 0..255, not {array.min()}..{array.max()}")
    elif array.dtype.kind == "f":
        array = _scale(array)
    else:
        raise TypeError(f"an image holds numbers, not {array.dtype}")
    array = array.astype("uint8")
    return Pillow.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def _scale(array: Any) -> Any:
    import numpy as np

    low, high = (float(np.nanmin(array)), float(np.nanmax(array))) if array.size else (0.0, 1.0)
    if low < 0 or high > 1:
        warnings.warn("floats of an image lie in 0..1; they were scaled to it", stacklevel=4)
        array = (array - low) / ((high - low) or 1.0)
    return np.nan_to_num(array) * 255


def image_bytes(picture: Image, extension: str) -> bytes:
    """Encode an image in the format of a file extension, PNG by default."""
    buffer = io.BytesIO()
    kind = extension.lstrip(".").lower() or "png"
    picture.save(buffer, format={"jpg": "jpeg"}.get(kind, kind))
    return buffer.getvalue()


def image_series(picture: Image, key: str, step: int, timestamp: int | None) -> dict[str, bytes]:
    """Return the artifacts of one step of an image series: the image, and a thumbnail of at most 256 pixels."""
    if not _IMAGE_KEY.fullmatch(key):
        raise InvalidValue(f"image key {key!r} may hold letters, digits, '_', '-', '.', '/' and ' '")
    now = time.time_ns() // 1_000_000 if timestamp is None else timestamp
    stem = f"images/{key.replace('/', '~')}+step+{step}+timestamp+{now}+{uuid.uuid4()}"
    small = picture.copy()
    scale = _THUMBNAIL / max(small.size)
    small = small.resize((max(1, round(small.width * scale)), max(1, round(small.height * scale))))
    return {f"{stem}.png": image_bytes(picture, "png"), f"{stem}+compressed.webp": image_bytes(small, "webp")}


def parse_dict(text: str, name: str) -> Any:
    """Return JSON or YAML text as a value. Raises: InvalidValue."""
    if name.endswith((".yml", ".yaml")):
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InvalidValue(f"{name!r} holds no YAML: {error}") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidValue(f"{name!r} holds no JSON: {error}") from error
