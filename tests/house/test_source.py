"""The rules for source files, as tests: lengths, names, what may be read, printed, caught and imported."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ("core/", "integrations/", "plugins/")
DISTRIBUTION = re.compile(r"plugins/steno-\w+/")  # one that is installed separately
DISTRIBUTIONS_TESTS = re.compile(DISTRIBUTION.pattern + "tests/")

FILE_LINES = 400
FUNCTION_LINES = 50
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}

# Where anything at all may be caught, and why; design §10 names the three places.
CATCHES_ALL = {
    "core/steno/autolog/": "advice: an error in it must not reach the user's training",
    "core/steno/plugins/": "plugin loading and hook policy: what a stranger's plugin raises stays with it",
    "core/steno/cli/doctor/probe.py": "a framework may fail to import in any way, and its doctor tells how",
    "core/steno/tracking/child.py": "its thread begins runs for others: what fails for one spoils no other",
    "core/steno/tracking/deferred.py": "advice that was put off: an error in it ends neither its thread nor the run",
    "core/steno/tracking/verifying.py": "what fails for one model ends neither its thread nor a run",
    "integrations/": "advice: a model or its data may raise anything when it is asked, and is then left out",
    "core/steno/tracking/followers.py": "what is handed over late is advice: a failure in it ends neither read nor run",
    "core/steno/testing/": "suites: what a stranger's code does in a test is told, and looking on changes nothing",
    "plugins/steno_objects/": "a library of another's store may raise anything: it is put into words",
    "plugins/steno_serving/": "a model that is asked, or a file that is read, may raise anything: who asked is told",
    "plugins/steno-": "advice and observers: a model, its data or a folder may raise anything",
    "core/steno/tracking/carrier.py": "the writer thread: what a store or gate raises waits in the journal",
}

# Loggers of others that are kept quiet meanwhile, and why.
SILENCED = {"torch.fx.experimental.symbolic_shapes": "a program is tried that nobody asked for, and may not be made"}

FRAMEWORKS = ("sklearn", "torch", "xgboost", "lightgbm", "catboost", "keras", "lightning", "tensorflow")

# Where core names a framework in code, and why.
NAMES_A_FRAMEWORK: dict[tuple[str, str], str] = {
    ("core/steno/autolog/fingerprint.py", "torch"): "a tensor's values are read without waiting for its device",
    ("core/steno/autolog/quiet.py", "torch"): "its global generator is set back",
    ("core/steno/data.py", "tensorflow"): "the name MLflow's users know for a dataset of tensors",
    ("core/steno/testing/watched.py", "torch"): "its global generator is compared",
}


@cache
def tracked() -> tuple[str, ...]:
    """Every file that is in the repository or about to be: what git would not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout.split("\0")
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


@cache
def modules(*folders: str) -> dict[str, ast.Module]:
    """The Python files below some folders, parsed; below `plugins/` no tests."""
    found = [name for name in tracked() if name.endswith(".py") and name.startswith(folders or "")]
    found = [name for name in found if not folders or not DISTRIBUTIONS_TESTS.match(name)]
    return {name: parsed(name) for name in found}


@cache
def parsed(name: str) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse((ROOT / name).read_text("utf-8"), name)


def nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node of every file below some folders."""
    for name, tree in modules(*folders).items():
        for node in ast.walk(tree):
            yield name, node


def at(name: str, node: ast.AST) -> str:
    """Where a node is, as an editor understands it."""
    return f"{name}:{getattr(node, 'lineno', 0)}"


def test_there_is_source_to_judge() -> None:
    assert len(modules("core/")) > 10
    assert {"Makefile", "pyproject.toml", "README.md"} <= set(tracked())


def test_no_file_is_over_400_lines() -> None:
    texts = [name for name in tracked() if name.endswith((".py", ".md", ".toml", "Makefile"))]
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in texts}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_over_50_lines() -> None:
    functions = [(n, node) for n, node in nodes() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{at(n, node)} {node.name}": (node.end_lineno or 0) - node.lineno + 1 for n, node in functions}
    assert lengths
    long = {where: lines for where, lines in lengths.items() if lines > FUNCTION_LINES}
    assert long == {}


def test_no_module_has_a_vague_name() -> None:
    assert [name for name in tracked() if VAGUE & set(re.split(r"[/._]", name))] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in modules().items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_only_settings_reads_the_environment() -> None:
    reads = [
        at(name, node)
        for name, node in nodes(*LIBRARY)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv", "unsetenv")
    ]
    elsewhere = [place for place in reads if not place.startswith("core/steno/settings.py:")]
    # A distribution of its own has settings of its own: core's door has none for them.
    assert [place for place in elsewhere if not DISTRIBUTION.match(place)] == []
    assert reads, "the rule no longer finds settings.py itself"


def test_the_library_never_prints() -> None:
    prints = [
        at(name, node)
        for name, node in nodes(*LIBRARY)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "pprint")
    ]
    assert prints == []


def test_only_the_command_line_configures_logging() -> None:
    configures = [
        at(name, node)
        for name, node in nodes(*LIBRARY)
        if isinstance(node, ast.Attribute) and node.attr in ("basicConfig", "addHandler", "dictConfig", "fileConfig")
    ]
    assert [place for place in configures if not place.startswith("core/steno/cli/")] == []


def test_every_logger_is_named_below_steno() -> None:
    named = {
        at(name, node): node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        for name, node in nodes(*LIBRARY)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "getLogger"
    }
    others = {place: str(logger) for place, logger in named.items() if not str(logger).startswith("steno.")}
    assert [place for place, logger in others.items() if logger not in SILENCED] == []
    assert named


def _catches_all(node: ast.ExceptHandler) -> bool:
    last = node.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False  # tidies up and lets it go on
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in caught)


def test_everything_is_caught_only_in_the_named_places_and_with_a_reason() -> None:
    found = [(n, node) for n, node in nodes(*LIBRARY) if isinstance(node, ast.ExceptHandler) and _catches_all(node)]
    elsewhere = [at(name, node) for name, node in found if not name.startswith(tuple(CATCHES_ALL))]
    assert elsewhere == []
    silent = [at(name, node) for name, node in found if "#" not in _line(name, node.lineno)]
    assert silent == [], "say why on the line itself"


def _line(name: str, number: int) -> str:
    return (ROOT / name).read_text("utf-8").splitlines()[number - 1]


def _docstrings(tree: ast.Module) -> set[int]:
    """The ids of the nodes that are docstrings, attributes' too."""
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {id(node.value) for node in statements if isinstance(node.value, ast.Constant)}


def _words(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.arg(arg=name):
            return name
        case ast.ImportFrom(module=str(name)) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.keyword(arg=str(name)):
            return name
    return ""


def test_core_names_no_framework() -> None:
    named: dict[tuple[str, str], int] = {}
    for name, tree in modules("core/").items():
        prose = _docstrings(tree)
        for node in ast.walk(tree):
            for framework in FRAMEWORKS:
                if framework in _words(node).lower() and id(node) not in prose:
                    named.setdefault((name, framework), getattr(node, "lineno", 0))
    assert {place: line for place, line in named.items() if place not in NAMES_A_FRAMEWORK} == {}
    assert [place for place in NAMES_A_FRAMEWORK if place not in named] == [], "no longer needed: take it off the list"


# Written with a class of one letter, so that this file does not hold what it looks for.
FOREIGN = re.compile(
    r"/wor[k]/|/roo[t]/|\.librar[y]/|py[p]i\.org|pythonhoste[d]|artifactor[y]|anacond[a]\.|index-ur[l]|devp[i]",
    re.IGNORECASE,
)


def test_no_file_names_a_path_of_one_machine_or_a_package_registry() -> None:
    own = f"{Path.home()}/" if Path.home() != Path("/") else "no home"
    found = []
    for name in tracked():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            lines = content.decode("utf-8").splitlines()
            found += [
                f"{name}:{number}: {line.strip()}"
                for number, line in enumerate(lines, 1)
                if own in line or FOREIGN.search(line)
            ]
    assert found == []


def test_nothing_is_left_to_do() -> None:
    words = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
    texts = [name for name in tracked() if name.endswith((".py", ".md", ".toml"))]
    assert [name for name in texts if words.search((ROOT / name).read_text("utf-8"))] == []
