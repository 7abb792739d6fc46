"""What many installed plugins cost: each is read once, and nothing of it that is not needed."""

from __future__ import annotations

SCRIPT = """
import sys
opened = []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])

import steno
from steno.plugins import plugins
sys.addaudithook(watch)
found = plugins()
ours = [name for name in opened if "/site/" in name and "site-packages" not in name]
print(sum(name.endswith("entry_points.txt") for name in ours))
print(sum(name.endswith("METADATA") for name in opened))
print(sum("plug_" in name and name.endswith((".py", ".pyc")) and "temporary" not in name for name in ours) <= 3 * 50)
print(len(found.hooks.run_tags().keys() & {f"p{n}" for n in range(50)}))
print(len(found.flavors.offers.keys() & {f"p{n}" for n in range(50)}))
"""


def test_fifty_plugins_are_read_once_and_their_metadata_not_at_all(site):
    for number in range(50):
        site.add(
            f"p{number}",
            f"""
            @hookimpl
            def steno_register_flavors(register): register("p{number}", "nowhere:flavor", owns=("p{number}",))

            @hookimpl
            def steno_run_tags(): return {{"p{number}": "here"}}
            """,
        )
    done = site.run(SCRIPT)
    assert done.stderr == ""
    assert done.stdout.split() == ["50", "0", "True", "50", "50"]
