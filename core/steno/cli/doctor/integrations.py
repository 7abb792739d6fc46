"""What the doctor says of integrations: from metadata at once, or from their rows, put in place in processes apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from steno.cli.doctor.findings import Finding
from steno.cli.session import Session
from steno.cli.standing import install, standing_of
from steno.errors import InvalidValue
from steno.plugins import plugins
from steno.plugins.needs import needs

if TYPE_CHECKING:
    from rich.table import Table

    from steno.plugins.registers import Offer

_PROBE = "from steno.cli.doctor.probe import main; main()"
_SHOWN_TARGETS = 4


def chosen(names: Iterable[str]) -> list[Offer]:
    """Return the integrations of these names, all for none. Raises: InvalidValue for a name that is none."""
    register = plugins().integrations
    found: dict[str, Offer] = {}
    for name in names:
        answering = register.answering(name)
        if not answering:
            known = ", ".join(sorted(register.offers)) or "none"
            raise InvalidValue(f"no integration is called {name!r}; known: {known}")
        found.update({offer.name: offer for offer in answering})
    return list(found.values()) or list(register.offers.values())


def switched_off(session: Session) -> Iterator[Finding]:
    """Whether autologging is switched off as a whole."""
    from steno import settings

    if settings.load().autolog_disable:
        yield Finding("autologging", "note", "off", "unset STENO_AUTOLOG_DISABLE")


def from_metadata(offers: list[Offer]) -> list[Finding]:
    """What metadata tells of integrations: the framework's version, and whether it will be watched."""
    return [_from_metadata(offer) for offer in offers]


def _from_metadata(offer: Offer) -> Finding:
    state = standing_of(offer)
    more = {**_facts(offer), "standing": state}
    if state.startswith("waiting"):
        return Finding(f"integration {offer.name}", "ok", f"{_versions(offer)}: {state}", "", more)
    detail, sign = (state, "problem") if "cannot be read" in state else (state, "note")
    return Finding(f"integration {offer.name}", sign, detail, install(offer), more)


def looked_into(offers: list[Offer], timeout_s: float) -> list[Finding]:
    """What each integration records here, told by a process that imports its framework."""
    from steno.cli.progress import progress

    def look(offer: Offer) -> Finding:
        ready = standing_of(offer).startswith("waiting")
        found = _look_into(offer, timeout_s) if ready else _from_metadata(offer)
        advance(1)
        return found

    with (
        progress("looking into integrations", len(offers)) as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        return list(pool.map(look, offers))


def _look_into(offer: Offer, timeout_s: float) -> Finding:
    subject = f"integration {offer.name}"
    command = [sys.executable, "-P", "-c", _PROBE, offer.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)
        told: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        remedy = "see whether its framework can be imported at all; --timeout gives it longer"
        return Finding(subject, "problem", f"was not ready after {timeout_s:g} s", remedy, _facts(offer))
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        return Finding(subject, "problem", f"its process ended: {last[0]}", install(offer), _facts(offer))
    return _told(offer, told)


def _told(offer: Offer, told: dict[str, Any]) -> Finding:
    subject, more = f"integration {offer.name}", {**_facts(offer), **told}
    if told["failed"]:
        why = "; ".join(f"`import {module}` fails: {error}" for module, error in told["failed"].items())
        return Finding(subject, "problem", why, install(offer), more)
    if told["state"].startswith("failed"):
        remedy = f"update plugin {offer.plugin!r}; until then its framework is not recorded"
        return Finding(subject, "problem", told["state"], remedy, more)
    counts = Counter(row["mechanism"] for row in told["rows"] if row["state"] == "on")
    how = ", ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.most_common()) or "nothing"
    off = [row for row in told["rows"] if row["state"] == "off"]
    detail = f"{_versions(offer)}: watched by {how}" + (f"; {len(off)} rows are off" if off else "")
    remedy = f"update plugin {offer.plugin!r}, or use a version of the framework that it knows" if off else ""
    return Finding(subject, "note" if off or not counts else "ok", detail, remedy, more)


def _facts(offer: Offer) -> dict[str, Any]:
    return {
        "plugin": offer.plugin,
        "requires": offer.requires,
        "found": {need.distribution: need.found for need in needs(offer.requires) if need.found},
        "options": list(offer.options),
        "also": list(offer.also),
    }


def _versions(offer: Offer) -> str:
    found = [need for need in needs(offer.requires) if need.found]
    return ", ".join(f"{each.distribution} {each.found} ({each.range or 'any'})" for each in found) or offer.name


def table_of_rows(finding: Finding) -> Table:
    """What one integration captures, how, and what is off; rows that say the same in one line."""
    from steno.cli.tables import cell, table

    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for row in finding.more["rows"]:
        key = row["state"], row["captures"] or "(not said)", row["mechanism"], row["why"]
        groups.setdefault(key, []).append(row["target"])
    lines = [
        (cell(state, "green" if state == "on" else "yellow"), captures, mechanism or why, _targets(targets))
        for (state, captures, mechanism, why), targets in groups.items()
    ]
    absent = finding.more.get("absent", {}).items()
    lines += [(cell("off", "yellow"), f"what {module} does", why, module) for module, why in absent]
    own = ", ".join(finding.more["options"])
    title = finding.subject.removeprefix("integration ") + (f"; its own options: {own}" if own else "")
    return table(["", "captures", "by", "where"], lines, title=title)


def _targets(targets: list[str]) -> str:
    shown = ", ".join(targets[:_SHOWN_TARGETS])
    return shown + (f" and {len(targets) - _SHOWN_TARGETS} more" if len(targets) > _SHOWN_TARGETS else "")
