"""Suites that a plugin author subclasses: a store, flavor or integration that passes them keeps its contract."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(
        f"steno.testing.{name}"
        for name in ("artifacts", "experiments", "flavor", "integration", "metrics", "searches", "stores", "writes")
    )
)
