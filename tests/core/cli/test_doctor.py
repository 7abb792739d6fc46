"""`steno doctor` and `steno plugins`: what is said of a whole installation, and of one with trouble."""

from __future__ import annotations

import pytest
from steno.cli.doctor import installation
from steno.plugins import plugins


def findings(steno_json, status=0):
    found = steno_json("doctor", "--quick", status=None)
    problems = [finding for finding in found if finding["state"] == "problem"]
    assert bool(problems) == bool(status), problems
    return {finding["subject"]: finding for finding in found}


def test_a_whole_installation_has_no_problem(steno, steno_json, seeded):
    found = findings(steno_json)
    assert {one["state"] for one in found.values()} == {"ok"}
    assert found["tracking URI"]["detail"].endswith("(from default)")
    assert "reachable" in found["store"]["detail"]
    assert "remedy" in steno("doctor", "--quick").stdout


def test_looking_creates_nothing(steno, steno_json, tmp_path):
    assert findings(steno_json)["store"]["state"] == "note"
    assert "there is no store at" in steno("runs", "list", status=1).stderr
    steno("fsck")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_none_is_a_problem(steno_json, tmp_path):
    (tmp_path / "stenoruns").mkdir()
    (tmp_path / "stenoruns" / "steno.db").write_bytes(b"no database at all" * 100)
    assert findings(steno_json, status=1)["store"]["state"] == "problem"


def test_an_address_that_nothing_serves_is_a_problem(steno, steno_json, monkeypatch):
    monkeypatch.setenv("STENO_TRACKING_URI", "gopher://nowhere")
    found = findings(steno_json, status=1)
    assert "(from STENO_TRACKING_URI)" in found["tracking URI"]["detail"]
    assert "gopher" in found["store"]["detail"]
    assert "gopher" in steno("runs", "list", status=1).stderr


def test_the_option_wins_over_the_environment(steno_json, seeded, monkeypatch, tmp_path):
    monkeypatch.setenv("STENO_TRACKING_URI", "gopher://nowhere")
    uri = f"sqlite:///{tmp_path}/stenoruns/steno.db"
    assert len(steno_json("runs", "list", "--tracking-uri", uri)) == 3
    assert len(steno_json("--tracking-uri", uri, "runs", "list")) == 3
    found = {finding["subject"]: finding for finding in steno_json("doctor", "--quick", "-u", uri)}
    assert "(from --tracking-uri)" in found["tracking URI"]["detail"]


def test_low_disk_is_a_problem_with_a_remedy(steno_json, seeded, monkeypatch):
    monkeypatch.setattr(installation, "LOW_DISK_BYTES", 1 << 62)
    found = findings(steno_json, status=1)
    assert found["store disk"]["state"] == "problem"
    assert "make room" in found["store disk"]["remedy"]


def test_the_file_system_of_a_path_is_that_of_the_innermost_mount(tmp_path):
    mounted = [("/", "ext4"), ("/home", "xfs"), ("/home/ada", "nfs4"), ("/home", "btrfs")]
    path = type(tmp_path)
    assert installation.file_system_of(path("/home/ada/steno.db"), mounted) == "nfs4"
    assert installation.file_system_of(path("/home/adam/steno.db"), mounted) == "btrfs"
    assert installation.file_system_of(path("/srv"), mounted) == "ext4"
    assert installation.file_system_of(path("/srv"), []) == ""


def test_plugins_are_listed_with_what_they_offer(steno, steno_json):
    states = {one["name"]: one for one in steno_json("plugins")}
    assert states["sql"]["state"] == "active"
    offers = [(offer["kind"], offer["name"]) for offer in states["sql"]["offers"]]
    databases = ("sqlite", "postgresql", "postgres")
    assert offers == [(kind, name) for kind in ("run store", "registry") for name in databases]
    assert "run store sqlite:" in steno("plugins").stdout
    assert "registry sqlite:" in steno("plugins").stdout


@pytest.fixture
def broken_plugin():
    """Make an installed plugin look broken for a while."""
    plugins().failures["sql"] = "RuntimeError: boom"
    yield
    del plugins().failures["sql"]


def test_a_broken_plugin_is_shown_with_its_reason(steno, steno_json, broken_plugin):
    assert "failed: RuntimeError: boom" in steno("plugins").stdout
    assert "boom" in findings(steno_json, status=1)["plugin sql"]["detail"]
