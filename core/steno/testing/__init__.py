"""Suites that a plugin author subclasses, and the fixtures they are built on: `pytest -p steno.testing`.

A store, flavor or integration that passes its suite keeps its contract. The suites need no option: they bring their
fixtures along. With `-p steno.testing` (or `pytest_plugins = ["steno.testing"]` in the root conftest.py) any other test
may use them too; `pytest -p steno.testing --fixtures` lists them. Having steno installed costs a test run nothing:
there is no entry point by which pytest would find this module by itself.
"""

from __future__ import annotations

import pytest

_REWRITTEN = """
artifacts costs elsewhere experiments fixtures flavor flavor_files harmless integration metrics one_run registry_models
registry_searches registry_trail registry_versions searches stores switching trainings writes
"""
pytest.register_assert_rewrite(*(f"steno.testing.{name}" for name in _REWRITTEN.split()))


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixtures to every test of this session."""
    from steno.testing.fixtures import Fixtures

    config.pluginmanager.register(Fixtures(), "steno.testing.fixtures")
