"""One server as this process knows it: shared by the stores of runs, of models and of artifacts that speak to it."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec
from steno.errors import InvalidValue, NotFound, StoreUnavailable
from steno.wire import coding
from steno.wire.calls import SERVER_INFO, Call
from steno.wire.messages import Message

from steno_http import address
from steno_http.model_ids import ModelIds
from steno_http.run_ids import RunIds
from steno_http.transport import NoSuchAddress, Transport

AskT = TypeVar("AskT", bound=Message)
AnswerT = TypeVar("AnswerT", bound=Message)

_JSON = {"Content-Type": "application/json"}
_servers: dict[address.Address, Server] = {}


class _Info(msgspec.Struct):
    steno: str = ""


class Server:
    """Makes calls of MLflow's wire. Thread-safe.

    Attributes:
        base: Its address.
        run_ids, model_ids: Which id a run or logged model has there.
    """

    def __init__(self, where: address.Address) -> None:
        self.base = where.base
        self.transport = Transport(where)
        self.run_ids = RunIds(self.call)
        self.model_ids = ModelIds(self.call, self.run_ids)
        self._is_steno: bool | None = None

    def is_steno(self) -> bool:
        """Say whether this is a server of steno's.

        Once it has shown what it is, it is not asked again; a refusal and the page of a proxy show nothing.

        Raises:
            StoreUnavailable: It does not answer.
            StoreError: It refuses to.
        """
        if self._is_steno is None:
            try:
                answer = self.transport.send("GET", SERVER_INFO, repeatable=True)
                self._is_steno = bool(msgspec.json.decode(answer.content, type=_Info).steno)
            except (NoSuchAddress, NotFound):  # MLflow before 3.0 has no such page
                self._is_steno = False
            except msgspec.DecodeError:
                return False
        return self._is_steno

    def call(self, call: Call[AskT, AnswerT], asked: AskT) -> AnswerT:
        """Ask. Raises: StoreUnavailable, and what the server's answer means."""
        method, path = call.methods[0], call.prefixes[0] + _filled(call.path, asked)
        repeatable = method == "GET" or path.endswith("/search")
        if method == "GET":
            answer = self.transport.send(method, path, query=coding.encode_query(asked), repeatable=True)
        else:
            answer = self.transport.send(method, path, body=coding.encode(asked), headers=_JSON, repeatable=repeatable)
        return self.read(answer.content, call.answers, path)

    def read(self, content: bytes, kind: type[AnswerT], path: str) -> AnswerT:
        """Return the message in an answer. Raises: StoreUnavailable if there is none."""
        try:
            return coding.decode(content, kind)
        except InvalidValue as error:  # half an answer, or the page of a proxy that stands before the server
            shown = " ".join(content[:80].decode("utf-8", "replace").split())
            raise StoreUnavailable(f"{self.base}{path} answered what is no answer: {shown!r} ({error})") from error

    def seen_from_here(self, location: str) -> str:
        """Return an artifact location with this server's address in it."""
        return address.seen_from_here(self.base, location)

    def seen_from_there(self, location: str) -> str:
        """Return an artifact location as this server calls it."""
        return address.seen_from_there(self.base, location)


def _filled(path: str, asked: Message) -> str:
    """Return a path with the names in braces replaced by what is asked."""
    if "{" not in path:
        return path
    return path.format_map(
        {name: quote(str(getattr(asked, name)), safe="") for name in ("model_id", "key") if name in path}
    )


def server_at(uri: str) -> Server:
    """Return this process's server of an address. Raises: InvalidValue."""
    where = address.parse(uri)
    known = _servers.get(where)
    if known is None:
        known = _servers.setdefault(where, Server(where))
    return known
