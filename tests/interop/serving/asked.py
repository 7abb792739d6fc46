"""The requests that both scoring servers are asked, by the model that they are asked of."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

COLUMNS = list("abcd")
ROW = [1, 2, 3.5, -4]
NAMED = dict(zip(COLUMNS, ROW, strict=True))
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"

TABLES: dict[str, Any] = {
    "split": {"dataframe_split": {"columns": COLUMNS, "data": [ROW, ROW]}},
    "split with index": {"dataframe_split": {"columns": COLUMNS, "index": [4], "data": [ROW]}},
    "split in another order": {"dataframe_split": {"columns": COLUMNS[::-1], "data": [ROW[::-1]]}},
    "split without columns": {"dataframe_split": {"data": [ROW]}},
    "split with more": {"dataframe_split": {"columns": [*COLUMNS, "z"], "data": [[*ROW, 1]]}},
    "split with less": {"dataframe_split": {"columns": COLUMNS[:3], "data": [ROW[:3]]}},
    "split with a wrong key": {"dataframe_split": {"columns": COLUMNS, "rows": [ROW]}},
    "split with rows of differing length": {"dataframe_split": {"columns": COLUMNS, "data": [ROW, ROW[:2]]}},
    "split without rows": {"dataframe_split": {"columns": COLUMNS, "data": []}},
    "split that is a list": {"dataframe_split": [ROW]},
    "records": {"dataframe_records": [NAMED, NAMED]},
    "records in another order": {"dataframe_records": [dict(reversed(NAMED.items()))]},
    "records with more": {"dataframe_records": [{**NAMED, "z": "x"}]},
    "records with less": {"dataframe_records": [{"a": 1}]},
    "records with text": {"dataframe_records": [{**NAMED, "a": "x"}]},
    "records with a number as text": {"dataframe_records": [{**NAMED, "a": "5"}]},
    "records with a flag": {"dataframe_records": [{**NAMED, "a": True}]},
    "records with a list": {"dataframe_records": [{**NAMED, "a": [1]}]},
    "records with a gap": {"dataframe_records": [{**NAMED, "a": None}]},
    "records that are an object": {"dataframe_records": NAMED},
    "records of lists": {"dataframe_records": [ROW]},
    "no records": {"dataframe_records": []},
    "instances of lists": {"instances": [ROW]},
    "instances of objects": {"instances": [NAMED]},
    "instances of numbers": {"instances": ROW},
    "instances by column": {"instances": {name: [value] for name, value in NAMED.items()}},
    "instances of columns of two lengths": {
        "instances": {**{name: [value] for name, value in NAMED.items()}, "a": [1, 2]}
    },
    "instances that are a number": {"instances": 1},
    "inputs of lists": {"inputs": [ROW]},
    "inputs of objects": {"inputs": [NAMED]},
    "inputs by column": {"inputs": {name: [value] for name, value in NAMED.items()}},
    "inputs of columns of two lengths": {"inputs": {**{name: [value] for name, value in NAMED.items()}, "a": [1, 2]}},
    "inputs of one row": {"inputs": NAMED},
    "inputs that are text": {"inputs": "x"},
    "no inputs": {"inputs": []},
    "nothing as inputs": {"inputs": None},
}
ERRORS: dict[str, Any] = {
    "two keys": {"inputs": [ROW], "instances": [ROW]},
    "two kinds of tables": {"dataframe_records": [NAMED], "inputs": [ROW]},
    "no key": {},
    "another key": {"rows": [ROW]},
    "a list": [ROW],
    "a number": 1,
    "null": b"null",
    "a talk": {"messages": [{"role": "user", "content": "x"}]},
    "no JSON": b"{",
    "NaN": b'{"instances": [[NaN, 1, 2, 3]]}',
    "not UTF-8": b'{"inputs": ["\xff"]}',
    "nothing": b"",
}
PARAMS: dict[str, Any] = {
    "a param that is not known": {"inputs": [NAMED], "params": {"x": 1}},
    "params that are a list": {"dataframe_records": [NAMED], "params": [1]},
    "params that are null": {"dataframe_records": [NAMED], "params": None},
    "a further key": {"dataframe_records": [NAMED], "more": 1},
}
CSVS = {
    "csv": b"a,b,c,d\n1,2,3.5,-4\n",
    "csv in another order": b"d,c,b,a\n-4,3.5,2,1\n",
    "csv with more": b"a,b,c,d,e\n1,2,3.5,-4,x\n",
    "csv with less": b"a,b\n1,2\n",
    "csv with text": b"a,b,c,d\nx,2,3,4\n",
    "csv with a gap": b"a,b,c,d\n,2,3,4\n",
    "csv of a header alone": b"a,b,c,d\n",
    "csv with a long row": b"a,b,c,d\n1,2,3,4\n1,2,3,4,5,6\n",
    "csv of nothing": b"",
    "csv not in UTF-8": b"a,b,c,d\n1,2,3,\xff\n",
}
CONTENTS = (
    "",
    "Application/JSON",
    "text/plain",
    "nonsense",
    f"{JSON}; charset=latin-1",
    f"{JSON}; charset=UTF-8",
    f"{JSON}; format=pandas-split",
    f"{CSV}; charset=utf-16",
)
WHOLE = {
    "long": 3,
    "integer": 4,
    "double": 1.5,
    "float": 0.25,
    "flag": True,
    "text": "x",
    "at": "2024-01-02T03:04:05",
}
CHANGES: dict[str, Any] = {
    "as it is": {},
    "with all columns": {"maybe": 2.5},
    "with a gap that may be": {"maybe": None},
    "with more": {"z": 1},
    "a float as a long": {"long": 1.5},
    "a whole float as a long": {"long": 2.0},
    "too large a long": {"long": 2**64},
    "too large an integer": {"integer": 2**40},
    "a flag as a long": {"long": True},
    "text as a long": {"long": "7"},
    "a fraction as text as a long": {"long": "7.5"},
    "a gap in a long": {"long": None},
    "a long as a double": {"double": 2},
    "a gap in a double": {"double": None},
    "too large a float": {"float": 1e300},
    "a number as a flag": {"flag": 1},
    "a two as a flag": {"flag": 2},
    "text as a flag": {"flag": "true"},
    "a gap in a flag": {"flag": None},
    "a number as text": {"text": 5},
    "a fraction as text": {"text": 1.5},
    "a flag as text": {"text": True},
    "a list as text": {"text": ["x"]},
    "no text": {"text": None},
    "bytes": {"raw": "eHk="},
    "bytes that are no base64": {"raw": "%"},
    "no moment": {"at": "soon"},
    "a date as a moment": {"at": "2024-01-02"},
    "a moment with a zone": {"at": "2024-01-02T03:04:05+01:00"},
    "a number as a moment": {"at": 5},
}
OF_PARAMS: dict[str, Any] = {
    "a param": {"shift": 1.5},
    "a whole number as a param": {"shift": 1},
    "a param of text": {"shift": "x"},
    "a param that is null": {"shift": None},
    "a param in a list": {"shift": [1.0]},
    "a list as a param": {"words": ["a", "b"]},
    "a list of numbers as a param": {"words": [1]},
    "text where a list is a param": {"words": "a"},
    "a param too many": {"shift": 1.5, "more": 1},
}
TENSORS: dict[str, Any] = {
    "by name": {"inputs": {"x": [[1, 2]], "y": [3]}},
    "by name, in rows": {"instances": [{"x": [1, 2], "y": 3}, {"x": [4, 5], "y": 6}]},
    "by name in one object": {"instances": {"x": [[1, 2]], "y": [3]}},
    "less": {"inputs": {"x": [[1, 2]]}},
    "more": {"inputs": {"x": [[1, 2]], "y": [3], "z": [4]}},
    "of another shape": {"inputs": {"x": [[1, 2, 3]], "y": [3]}},
    "of text": {"inputs": {"x": [["a", "b"]], "y": [3]}},
    "of fractions where integers are": {"inputs": {"x": [[1, 2]], "y": [3.5]}},
    "of lists of differing length": {"inputs": {"x": [[1, 2], [1]], "y": [3]}},
    "without a name": {"inputs": [[1, 2]]},
    "in rows, one with less": {"instances": [{"x": [1, 2], "y": 3}, {"x": [4, 5]}]},
    "in rows of differing length": {"instances": {"x": [[1, 2]], "y": [3, 4]}},
    "as a table": {"dataframe_split": {"columns": ["x", "y"], "data": [[[1, 2], 3]]}},
}
UNNAMED: dict[str, Any] = {
    "rows": {"inputs": [[1.5, 2]]},
    "rows as instances": {"instances": [[1.5, 2]]},
    "a row too short": {"inputs": [[1.5]]},
    "a row too long": {"inputs": [[1.5, 2, 3]]},
    "a table": {"dataframe_split": {"data": [[1.5, 2]]}},
    "a table with names": {"dataframe_split": {"columns": ["p", "q"], "data": [[1.5, 2]]}},
    "records": {"dataframe_records": [{"p": 1.5, "q": 2}]},
    "text": {"dataframe_split": {"data": [["x", 2]]}},
}


def asked(model: str) -> Iterator[tuple[str, bytes, str]]:
    """Yield what a model is asked: a name, a body, a type of content."""
    if model in ("columns", "tensor", "unsigned"):
        yield from ((name, _sent(body), JSON) for name, body in {**TABLES, **ERRORS, **PARAMS}.items())
        yield from ((name, body, CSV) for name, body in CSVS.items())
        yield from ((f"content of type {each!r}", _sent(TABLES["records"]), each) for each in CONTENTS)
        yield from _parquets()
    elif model == "mixed":
        for name, change in CHANGES.items():
            yield f"records: {name}", _sent({"dataframe_records": [{**WHOLE, **change}]}), JSON
            yield f"inputs: {name}", _sent({"inputs": [{**WHOLE, **change}]}), JSON
        for name, params in OF_PARAMS.items():
            yield name, _sent({"dataframe_records": [WHOLE], "params": params}), JSON
        for name in WHOLE:
            yield f"without {name}", _sent({"inputs": [{n: v for n, v in WHOLE.items() if n != name}]}), JSON
        yield "csv", pd.DataFrame([WHOLE]).to_csv(index=False).encode(), CSV
    else:
        bodies = {**(TENSORS if model == "tensors" else UNNAMED), **ERRORS}
        yield from ((name, _sent(body), JSON) for name, body in bodies.items())


def _parquets() -> Iterator[tuple[str, bytes, str]]:
    frame = pd.DataFrame([ROW, ROW], columns=COLUMNS).astype("float64")
    tables = {"parquet": frame, "parquet with less": frame[["a", "b"]], "parquet with text": frame.assign(a="x")}
    for name, table in tables.items():
        packed = io.BytesIO()
        table.to_parquet(packed)
        yield name, packed.getvalue(), PARQUET
    yield "no parquet", b"PAR1", PARQUET


def _sent(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
