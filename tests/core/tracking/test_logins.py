"""A login in an address is used, and written nowhere."""

from __future__ import annotations

import pytest
import steno
from hypothesis import given
from hypothesis import strategies as st
from steno.errors import InvalidValue, UnknownScheme
from steno.tracking import logins, places
from steno.tracking.model_sources import absolute

_PLAIN = st.text("abcXYZ019%-._~", min_size=1)
_HOST = st.from_regex(r"[a-z][a-z0-9.-]{0,12}(:[0-9]{1,5})?|\[::1\](:80)?", fullmatch=True)


@given(
    st.sampled_from(["http", "https", "postgresql", "s3"]),
    _PLAIN,
    _PLAIN,
    _HOST,
    st.sampled_from(["", "/a", "/a@b?c#d"]),
)
def test_a_login_is_taken_out_and_comes_back_for_its_host_alone(scheme, user, password, host, rest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STENO_LOGINS", "")
        whole, bare = f"{scheme}://{user}:{password}@{host}{rest}", f"{scheme}://{host}{rest}"
        assert logins.without(whole) == bare
        assert logins.without(bare) == bare
        assert logins.restored(bare) == whole
        assert logins.restored(f"{scheme}://{host}/elsewhere") == f"{scheme}://{user}:{password}@{host}/elsewhere"
        for other in (f"{scheme}://x{host}{rest}", f"x{scheme}://{host}{rest}", "/a/b", f"{scheme}://{host}1{rest}"):
            assert logins.restored(other) == other


@pytest.mark.parametrize("uri", ["s3://bucket/a@b", "wasbs://box@account.example/x", "postgresql://ann@host/db", "a@b"])
def test_what_is_no_secret_stays(uri):
    assert logins.without(uri) == uri


@pytest.mark.parametrize("character", "/?#")
def test_a_password_that_ends_too_early_is_refused_and_not_repeated(character):
    with pytest.raises(InvalidValue, match="%2F") as caught:
        steno.set_tracking_uri(f"http://ann:top{character}secret@host:5000")
    assert "secret" not in str(caught.value)
    assert "ann" not in str(caught.value)


def test_an_address_that_nothing_serves_is_named_without_its_login():
    for given_to in (steno.set_tracking_uri, steno.set_registry_uri, lambda uri: steno.Client(uri).store):
        with pytest.raises(UnknownScheme) as caught:
            given_to("gopher://ann:secret@host/")
        assert "secret" not in str(caught.value)


def test_another_password_for_a_host_opens_its_stores_anew(monkeypatch):
    monkeypatch.setenv("STENO_TRACKING_URI", "http://ann:old@127.0.0.1:9")
    first = places.run_store()
    assert places.run_store() is first
    monkeypatch.setenv("STENO_TRACKING_URI", "http://ann:new@127.0.0.1:9")
    assert places.run_store() is not first
    assert places.get_tracking_uri() == "http://127.0.0.1:9"
    places.forget_stores()


@pytest.mark.parametrize("uri", ["s3:/bucket/x", "mlflow-artifacts:/x", "s3://bucket/x", "runs:/a/b", "models:/m/1"])
def test_an_address_with_one_slash_is_no_relative_path(uri):
    assert absolute(uri) == uri


def test_a_file_address_with_one_slash_is_the_path_it_names(tmp_path):
    assert absolute("file:/a/b%20c") == "/a/b c"
    assert absolute("x/y") == str(tmp_path / "x/y")
