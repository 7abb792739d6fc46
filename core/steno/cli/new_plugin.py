"""`steno plugins new`: writes a distribution that passes its tests at once, to be made one's own."""

from __future__ import annotations

from pathlib import Path

import click

from steno.cli.group import SharedOptions
from steno.cli.session import Session

KINDS = ("integration", "flavor", "store", "observer", "command")
DEFAULT = ("integration", "flavor")


@click.command(cls=SharedOptions)
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="What it brings; may be given several times.  [default: integration and flavor]",
)
@click.option(
    "--framework",
    metavar="MODULE",
    help="The import name of the framework it is for, which must be installed.  [default: NAME, if that is one]",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where to write it; must not be there yet.  [default: steno-NAME]",
)
@click.pass_context
def new(ctx: click.Context, name: str, kinds: tuple[str, ...], framework: str | None, folder: Path | None) -> None:
    """Write a new plugin: the distribution steno-NAME, with tests that pass.

    It trains something small of its own until you name your framework's calls; each place to change is marked
    REPLACE.
    """
    from steno.cli.new_plugin_files import write
    from steno.cli.new_plugin_names import choose

    session = ctx.ensure_object(Session)
    plugin = choose(name, kinds or DEFAULT, framework)
    folder = folder or Path(plugin.distribution)
    files = write(plugin, folder)
    lines = [f"wrote {plugin.distribution}, which brings {plugin.brings}:"]
    lines += [f"  {folder / file}" for file in files]
    lines += ["next:", f"  cd {folder}", "  pip install -e '.[test]'", "  python -m pytest", "  grep -rn REPLACE ."]
    session.say("\n".join(lines), {"distribution": plugin.distribution, "folder": str(folder), "files": files})
