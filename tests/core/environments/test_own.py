"""How what runs here is installed elsewhere: by its version, or from where it came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from steno.environments import Specification
from steno.environments.cache import _with_ours
from steno.environments.own import own, readers
from steno.errors import EnvironmentFailure
from steno.models.manifest import Manifest


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a distribution `thing` on the path that came from somewhere."""

    def install(direct: Any = None, record: str = "") -> None:
        about = tmp_path / "site" / "thing-1.5.dist-info"
        about.mkdir(parents=True, exist_ok=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.5\nRequires-Python: >=3.9\n")
        (about / "RECORD").write_text(record)
        (about / "direct_url.json").write_text("" if direct is None else json.dumps(direct))
        monkeypatch.syspath_prepend(str(about.parent))

    return install


def test_what_came_from_an_index_is_named_by_its_version(installed: Any) -> None:
    installed()
    found = own(("a", "b"), "thing")
    assert found.arguments == ("thing[a,b]==1.5",)
    assert (found.version, found.python) == ("1.5", ">=3.9")


def test_what_came_from_elsewhere_is_installed_from_there(installed: Any, tmp_path: Path) -> None:
    place = tmp_path / "a folder"
    place.mkdir()
    installed({"url": place.as_uri(), "dir_info": {"editable": True}})
    assert own(("a",), "thing").arguments == ("--editable", f"{place}[a]")
    installed({"url": place.as_uri(), "dir_info": {}})
    assert own((), "thing").arguments == (f"thing @ {place.as_uri()}",)
    installed(
        {"url": "https://host.example/thing", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "x"}
    )
    assert own((), "thing").arguments == ("thing @ git+https://host.example/thing@abc#subdirectory=x",)


def test_what_it_came_from_may_be_gone(installed: Any, tmp_path: Path) -> None:
    installed({"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}})
    with pytest.raises(EnvironmentFailure, match=r"gone\.whl, which is gone: install it anew"):
        own((), "thing")
    with pytest.raises(EnvironmentFailure, match="no-such-thing is not installed here"):
        own((), "no-such-thing")


def test_another_content_of_a_folder_is_another_identity(installed: Any, tmp_path: Path) -> None:
    installed({"url": tmp_path.as_uri(), "dir_info": {}}, "thing.py,sha256=a,1\n")
    before = own((), "thing").identity
    installed({"url": tmp_path.as_uri(), "dir_info": {}}, "thing.py,sha256=b,1\n")
    assert own((), "thing").identity != before


def test_a_requirement_gives_way_to_what_runs_here_if_that_satisfies_it() -> None:
    ours = own(("serving",))
    same, other = f"steno=={ours.version}", "Steno>=99"
    assert _with_ours(["six", same, "--pre"], [ours], ("serving",)) == (["six", "--pre"], list(ours.arguments))
    assert _with_ours([other], [ours], ("serving",)) == ([other], ["steno[serving]"])
    assert _with_ours([other], [own()], ()) == ([other], [])


def test_other_requirements_take_the_place_of_the_same_packages() -> None:
    wanted = Specification(requirements=("six==1", "attrs")).overridden(["six==2", "toolz"])
    assert wanted.requirements == ("attrs", "six==2", "toolz")


def test_readers_of_flavors_that_ship_here_are_steno_itself() -> None:
    assert readers(Manifest(flavors={"sklearn": {}, "python_function": {}, "no such": {}})) == []
