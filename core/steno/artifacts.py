"""Artifacts by URI or by run, under the module name MLflow's users know."""

from __future__ import annotations

from steno.tracking.files import download_artifacts, list_artifacts, load_dict, load_image, load_text

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]
