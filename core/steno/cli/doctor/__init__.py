"""`steno doctor`: what this installation works with, what is wrong with it, and what to do."""

from __future__ import annotations
