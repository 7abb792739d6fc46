"""Where registered models are kept, and how one says so."""

from __future__ import annotations

import pytest
import steno
from steno.errors import UnknownScheme
from steno.tracking import places


def test_registered_models_are_kept_with_the_runs_unless_told_otherwise(client, log, tmp_path, monkeypatch):
    assert steno.get_registry_uri() == steno.get_tracking_uri()
    elsewhere = places.absolute_uri(tmp_path / "registry")
    steno.set_registry_uri(tmp_path / "registry")
    try:
        assert steno.get_registry_uri() == elsewhere
        assert client.registry_uri == elsewhere
        assert log(5.0, registered_model_name="far").registered_model_version == "1"
        assert (tmp_path / "registry" / "steno.db").is_file()
        assert steno.load_model("models:/far/1").coef_ == pytest.approx([5.0, 5.0])
        steno.set_registry_uri("")
        assert steno.search_registered_models() == []
        assert [m.name for m in steno.Client(registry_uri=elsewhere).search_registered_models()] == ["far"]
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", elsewhere)
        assert [m.name for m in steno.search_registered_models()] == ["far"]
    finally:
        steno.set_registry_uri("")


def test_a_registry_that_nothing_serves_is_refused(client):
    with pytest.raises(UnknownScheme, match="nothing installed serves"):
        steno.set_registry_uri("carrier-pigeon://loft")
    assert steno.get_registry_uri() == steno.get_tracking_uri()


def test_a_client_of_a_store_finds_the_registry_of_that_store(client, registered, tmp_path):
    other = steno.Client(str(tmp_path / "other"))
    assert other.search_registered_models() == []
    other.create_registered_model("there")
    assert [m.name for m in client.search_registered_models()] == ["churn"]
