"""The registry's own rules: what names a model, what may be a name, and what stood where at a time."""

from __future__ import annotations

from steno.registry.uris import ModelUri, find_version, highest_version, is_model_uri, parse_model_uri

__all__ = ["ModelUri", "find_version", "highest_version", "is_model_uri", "parse_model_uri"]
