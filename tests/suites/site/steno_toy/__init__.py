"""A plugin for the toy framework: an integration and a flavor as they should be, and broken ones."""

from __future__ import annotations

from typing import Any

from steno.hookspecs import hookimpl

INTEGRATIONS = """
toy draws filters prints sleeps sleeps_untold keeps changes_arguments changes_the_model forgives another_run
ignores_searches forks_a_run leaves_an_attribute replaces wraps sets_verbosity asks_the_store fails records_nothing
spoils_the_model spoils_the_pickle
"""
FLAVORS = """
toy_flavor pickles executes follows_links requires_nothing leaves_files forgets needs_more trusts_all trusts_quietly
draws_as_it_saves runs_code
"""


@hookimpl
def steno_register_integrations(register: Any) -> None:
    """Offer each under its own name."""
    for name in INTEGRATIONS.split():
        register(name, f"steno_toy.{'autolog' if name == 'toy' else 'broken_autolog'}:{name}", when="toyframework")


@hookimpl
def steno_register_flavors(register: Any) -> None:
    """Offer each; the good one owns the framework's models."""
    for name in FLAVORS.split():
        good = name == "toy_flavor"
        address = f"steno_toy.{'flavor' if good else 'broken_flavor'}:{name}"
        register(name, address, owns=("toyframework",) if good else ())
