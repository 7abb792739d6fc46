"""Names for runs that were given none: an adjective, a noun and a number."""

from __future__ import annotations

import os

_ADJECTIVES = tuple(
    """
able amber apt azure bold brave brisk calm clever crisp daring deft eager early fair fancy fine fleet
fond free fresh gentle glad golden grand happy hardy honest keen kind lively loyal lucky mellow merry
mild neat nimble noble patient plain proud quick quiet rapid ready rosy serene sharp shy silent silver
sleek smart solid spry steady still sturdy subtle sunny swift tidy true upbeat vivid warm wise witty
young
""".split()
)
_NOUNS = tuple(
    """
acorn alder aspen badger beacon birch bison brook cedar cliff comet coral crane creek delta dove eagle
elm ember falcon fern finch fjord fox gull harbor hare hawk heron hill ibis iris island jay lake lark
laurel lemur lily linden lynx maple marten meadow merlin moose moss newt oak ocean orchid otter owl panda
pearl pine plover poplar puffin quail quill raven reef river robin rowan seal shore sparrow spruce stork
swan thrush tiger trout tulip walrus willow wren yak
""".split()
)


def random_name() -> str:
    """Return a name like "brisk-heron-417", at most 20 characters.

    Drawn from the system, so that no seed of the user's is advanced.
    """
    draw = int.from_bytes(os.urandom(6), "big")
    draw, number = divmod(draw, 1001)
    draw, noun = divmod(draw, len(_NOUNS))
    return f"{_ADJECTIVES[draw % len(_ADJECTIVES)]}-{_NOUNS[noun]}-{number}"[:20]
