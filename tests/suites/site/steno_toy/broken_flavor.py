"""Flavors that each break one promise."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from steno.errors import ModelError

from steno_toy.flavor import FILE, ToyFlavor


class Pickles(ToyFlavor):
    """Writes a pickle, which nobody has asked for, and reads it with nothing admitted."""

    name = "pickles"

    def write(self, model, folder):
        super().write(model, folder)
        (folder / FILE).write_bytes(pickle.dumps((folder / FILE).read_bytes()))

    def read(self, folder, conf):
        from steno.models.layout import member
        from steno.models.pickles import loads

        found = json.loads(loads(member(folder, conf["data"]).read_bytes(), (), "a pickle"))
        return {name: found[name] for name in ("kind", "rate", "weight", "bias")}


class Executes(ToyFlavor):
    """Unpickles to see what is inside."""

    name = "executes"

    def untrusted(self, folder, conf):
        with suppress(Exception):
            pickle.loads((folder / FILE).read_bytes())
        return super().untrusted(folder, conf)


class FollowsLinks(ToyFlavor):
    """Opens whatever the section names."""

    name = "follows_links"

    def read(self, folder, conf):
        try:
            found = json.loads((folder / conf["data"]).read_bytes())
            return {name: found[name] for name in ("kind", "rate", "weight", "bias")}
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"no model: {error}") from error


class RequiresNothing(ToyFlavor):
    """Says nothing of what a reader has to install."""

    name = "requires_nothing"

    def save(self, model, folder, **options):
        return replace(super().save(model, folder, **options), packages=())


class LeavesFiles(ToyFlavor):
    """Writes to a temporary folder first, and forgets it if it fails."""

    name = "leaves_files"

    def save(self, model, folder, **options):
        scratch = Path(tempfile.mkdtemp())
        super().write(model, scratch)
        info = super().save(model, folder, **options)
        shutil.rmtree(scratch)
        return info


class Forgets(ToyFlavor):
    """Rounds what it keeps."""

    name = "forgets"

    def made(self, found):
        return super().made({**found, "weight": round(found["weight"], 1)})


class NeedsMore(ToyFlavor):
    """Needs a package to load that it does not name."""

    name = "needs_more"

    def made(self, found):
        import pytest  # noqa: F401

        return super().made(found)


class TrustsAll(ToyFlavor):
    """Asks for nothing, and makes any class."""

    name = "trusts_all"

    def untrusted(self, folder, conf):
        self.read(folder, conf)
        return frozenset()

    def load(self, folder, conf, *, trusted):
        return self.made(self.read(folder, conf))


class TrustsQuietly(ToyFlavor):
    """Names what is untrusted, and makes it whether or not it is trusted."""

    name = "trusts_quietly"

    def load(self, folder, conf, *, trusted):
        return self.made(self.read(folder, conf))


class DrawsAsItSaves(ToyFlavor):
    """Names a file by a random number."""

    name = "draws_as_it_saves"

    def write(self, model, folder):
        super().write(model, folder)
        (folder / f"{random.random()}.txt").touch()


class RunsCode(ToyFlavor):
    """Imports the modules that came with a model."""

    name = "runs_code"

    def load(self, folder, conf, *, trusted):
        for path in (folder / "code").glob("*.py"):
            exec(compile(path.read_text(), str(path), "exec"), {})
        return super().load(folder, conf, trusted=trusted)


pickles, executes, follows_links, requires_nothing = Pickles(), Executes(), FollowsLinks(), RequiresNothing()
leaves_files, forgets, needs_more, trusts_all = LeavesFiles(), Forgets(), NeedsMore(), TrustsAll()
trusts_quietly, draws_as_it_saves, runs_code = TrustsQuietly(), DrawsAsItSaves(), RunsCode()
