"""How plugins arrive: `manager` finds and registers them, `registers` keep what they offer, `hooks` calls them."""

from __future__ import annotations

from steno.plugins.manager import Plugins, PluginState, plugins

__all__ = ["PluginState", "Plugins", "plugins"]
