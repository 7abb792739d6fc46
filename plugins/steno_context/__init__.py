"""Where a run comes from, as tags: user, script or notebook, git commit, launcher."""

from __future__ import annotations

from steno.hookspecs import hookimpl


@hookimpl
def steno_run_tags() -> dict[str, str]:
    """Tags of the source of a run; the user's own (`STENO_RUN_CONTEXT`) win."""
    from steno_context.source import run_tags

    return run_tags()
