"""Every error that steno raises, each with its wire code.

StenoError
├── InvalidValue (ValueError)         a value outside what is allowed
│   ├── ParamConflict                 a param was already recorded with another value
│   ├── FilterError                   a filter or order_by that does not parse; knows the position
│   ├── SchemaMismatch                inputs or params that do not fit a model's signature; lists why
│   ├── UnsafePath                    an artifact path that would leave its root
│   └── UnknownScheme                 no plugin serves this kind of address
├── NotFound (LookupError)            no such experiment, run, artifact
├── AlreadyExists                     the name is taken
├── RunStateError                     the run is deleted, or another one is active
├── StoreError                        the store refused or failed
│   ├── StoreUnavailable              it may work later: the writer tries again
│   ├── StoreReadOnly                 it can be read but not written
│   ├── StoreTooNew                   written by a later steno
│   └── StaleToken                    a batch overlaps what the store already holds
├── JournalError                      a journal file is damaged
├── PluginError                       a plugin broke its contract
├── EnvironmentFailure                an environment cannot be made of what is named
└── ModelError                        a model cannot be saved or loaded
    ├── DamagedModel                  its files are not as they were saved
    ├── UntrustedTypes                it holds types the loader did not name as trusted
    └── MissingDependency (ImportError)   a package has to be installed first
"""

from __future__ import annotations

from collections.abc import Iterable


class StenoError(Exception):
    """Base of all. `code` is the name used on MLflow's wire, `http_status` the matching HTTP status."""

    code = "INTERNAL_ERROR"
    http_status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def error_code(self) -> str:
        """The wire code under the name MLflow's users know."""
        return self.code

    def get_http_status_code(self) -> int:
        """The HTTP status that belongs to `error_code`."""
        return self.http_status


class InvalidValue(StenoError, ValueError):
    """A value outside what is allowed; the message names the remedy."""

    code = "INVALID_PARAMETER_VALUE"
    http_status = 400


class ParamConflict(InvalidValue):
    """Params are written once: `key` holds `old`, and `new` was given."""

    def __init__(self, key: str, old: str, new: str, run_id: str) -> None:
        self.key, self.old, self.new, self.run_id = key, old, new, run_id
        super().__init__(
            f"param {key!r} of run {run_id} is already {old!r} and cannot become {new!r}: params are "
            f"written once. Use another key, a tag, or a metric for a value that changes."
        )


class FilterError(InvalidValue):
    """A filter or order_by text that does not parse.

    Attributes:
        text: The whole text as given.
        position: Index of the first character that is wrong.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        self.text, self.position = text, position
        # One line's window round the fault: a filter may be long, and may have been written over several lines.
        begin = max(text.rfind("\n", 0, position) + 1, position - 60)
        shown = text[begin : position + 40].partition("\n")[0].expandtabs(1)
        super().__init__(f"{reason} (at position {position})\n  {shown}\n  {' ' * (position - begin)}^")


class SchemaMismatch(InvalidValue):
    """Inputs or params that do not fit a model's signature: `problems` holds a sentence for each cause."""

    def __init__(self, problems: Iterable[str], shown: int = 50) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - shown
        told = [*self.problems[:shown], *([f"and {more} more"] if more > 0 else [])]
        super().__init__(f"schema enforcement failed: {'; '.join(told)}")


class UnsafePath(InvalidValue):
    """An artifact path that is absolute, climbs with '..', or is not in its simplest form."""


class UnknownScheme(InvalidValue):
    """No plugin serves the scheme of `uri`."""

    def __init__(self, uri: str, known: Iterable[str], remedy: str = "") -> None:
        self.uri, self.known = uri, tuple(sorted(known))
        super().__init__(
            f"nothing installed serves {uri!r}; known schemes: {', '.join(self.known) or 'none'}. "
            + (remedy or "Install a plugin that offers it (`steno plugins` lists what is there).")
        )


class NotFound(StenoError, LookupError):
    """No such experiment, run, artifact or key."""

    code = "RESOURCE_DOES_NOT_EXIST"
    http_status = 404


class AlreadyExists(StenoError):
    """The name is taken, perhaps by something deleted."""

    code = "RESOURCE_ALREADY_EXISTS"
    http_status = 400


class RunStateError(StenoError):
    """The run (or experiment) is not in a state that allows this."""

    code = "INVALID_STATE"
    http_status = 400


class StoreError(StenoError):
    """The store refused or failed for good: trying again would not help."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or is busy; the same call may succeed later."""

    code = "TEMPORARILY_UNAVAILABLE"
    http_status = 503


class StoreReadOnly(StoreError):
    """The store can be read but not written."""

    code = "PERMISSION_DENIED"
    http_status = 403


class StoreTooNew(StoreError):
    """The store was written by a later version of steno than this one."""

    code = "INVALID_STATE"


class StaleToken(StoreError):
    """A batch begins before the offset the store holds for its writer.

    Attributes:
        offset: Where the store stands; the writer goes on from there.
    """

    code = "ABORTED"
    http_status = 409

    def __init__(self, writer_id: str, offset: int) -> None:
        self.writer_id, self.offset = writer_id, offset
        super().__init__(f"writer {writer_id} is already stored up to offset {offset}")


class JournalError(StenoError):
    """A journal file that cannot be read at all (a torn tail is no error)."""

    code = "DATA_LOSS"


class PluginError(StenoError):
    """A plugin broke its contract: it names a taken scheme, or offers what cannot be loaded."""


class EnvironmentFailure(StenoError):
    """An environment cannot be made: no such Python, a requirement that cannot be installed, no place for it."""

    code = "INVALID_STATE"
    http_status = 400


class ModelError(StenoError):
    """A model cannot be saved or loaded."""

    code = "INVALID_PARAMETER_VALUE"
    http_status = 400


class DamagedModel(ModelError):
    """Files of a model are not as they were when it was saved; nothing was read.

    Attributes:
        files: What is wrong with which file, one line each.
    """

    code = "DATA_LOSS"
    http_status = 500

    def __init__(self, where: str, files: Iterable[str]) -> None:
        self.files = tuple(files)
        more = f"; and {len(self.files) - 5} more" if len(self.files) > 5 else ""
        super().__init__(
            f"{where} is not as it was saved: {'; '.join(self.files[:5])}{more}. Nothing was read. "
            "Fetch it again, or, if you changed it yourself, call steno.models.seal_model(folder)."
        )


class UntrustedTypes(ModelError):
    """A model holds types that the loader has not named as trusted; nothing was executed.

    Attributes:
        types: Qualified names, sorted, ready for `trusted=`.
    """

    def __init__(self, where: str, types: Iterable[str]) -> None:
        self.types = tuple(sorted(types))
        super().__init__(
            f"{where} holds types that are not trusted: {', '.join(self.types)}. "
            f"Nothing was executed. If you trust where it comes from, load it with trusted={list(self.types)!r}."
        )


class MissingDependency(ModelError, ImportError):
    """A package has to be installed before this can be done; the message holds the command."""

    def __init__(self, what: str, install: str) -> None:
        super().__init__(f"{what} needs a package that is not installed: pip install {install}")


MlflowException = StenoError
"""The name under which MLflow's users catch errors."""
