"""The rules of the house that a machine can check: who imports whom, who may read the clock, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "detectors", "streams")
#: schemas <- detectors <- streams: what a room may import of the others.
MAY_IMPORT = {"schemas": {"schemas"}, "detectors": {"schemas", "detectors"}, "streams": set(ROOMS)}
#: Drivers, servers and clients: known to streams only.
OUTSIDE = {"kafka", "faust", "mode", "aiokafka", "aiohttp", "fastapi", "uvicorn", "requests", "httpx", "typer", "rich"}
NETWORK = {"socket", "ssl", "http", "asyncio", "urllib.request", "ftplib", "smtplib"}
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.monotonic",
    "time.localtime", "time.gmtime",
}  # fmt: skip
LONGEST = 400


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git tracks or would track; in a copy without git, every file outside hidden folders."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout.decode()  # fmt: skip
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [
            path
            for path in ROOT.rglob("*")
            if not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in found if path.is_file() and not path.is_symlink()))


def modules(*rooms: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in rooms]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and dotted name of every import, those inside functions included; relative ones made absolute."""
    package = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{name.name}") for name in node.names)


def belongs(name: str, to: str) -> bool:
    return name == to or name.startswith(to + ".")


def test_imports_run_one_way() -> None:
    against = []
    for path in modules(*ROOMS):
        room = path.relative_to(ROOT).parts[0]
        for line, name in imports(path):
            top = name.partition(".")[0]
            if top in {"tests", "deploy"} or (top in ROOMS and top not in MAY_IMPORT[room]):
                against.append(f"{named(path)}:{line} imports {name}")
    assert against == [], "schemas <- detectors <- streams, and nobody knows tests and deploy"


def test_below_streams_nobody_knows_kafka_http_or_terminals() -> None:
    against = [
        f"{named(path)}:{line} imports {name}"
        for path in modules("schemas", "detectors")
        for line, name in imports(path)
        if any(belongs(name, unwanted) for unwanted in (*OUTSIDE, *NETWORK))
    ]
    assert against == [], "detection runs without them"


def test_below_streams_nobody_reads_the_clock() -> None:
    """Time is an argument: the same declarations must be judged alike today and in ten years."""
    against = []
    for path in modules("schemas", "detectors"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS:
                against.append(f"{named(path)}:{node.lineno} {ast.unparse(node)}")
        against += [f"{named(path)}:{line} imports {name}" for line, name in imports(path) if name in CLOCKS]
    assert against == []


def test_a_module_says_what_it_is() -> None:
    assert [named(path) for path in modules(*ROOMS) if not ast.get_docstring(tree(path))] == []


def test_a_module_tells_one_story() -> None:
    lengths = {named(path): len(path.read_text("utf-8").splitlines()) for path in modules(*ROOMS, "deploy")}
    assert {name: lines for name, lines in lengths.items() if lines >= LONGEST} == {}, "split it; 300 is a hint to look"


def test_public_names_are_documented() -> None:
    undocumented = [
        f"{named(path)}:{node.lineno} {node.name}"
        for path in modules(*ROOMS)
        if not path.name.startswith("_") or path.name == "__init__.py"
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert undocumented == []


def test_nothing_is_left_to_do_and_nothing_prints() -> None:
    against = []
    for path in modules(*ROOMS):
        if re.search(r"\b(TODO|FIXME)\b", path.read_text("utf-8")):
            against.append(f"{named(path)} has something left to do")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Raise) and node.exc and "NotImplementedError" in ast.unparse(node.exc):
                against.append(f"{named(path)}:{node.lineno} is not implemented")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                against.append(f"{named(path)}:{node.lineno} prints; use streams.output")
    assert against == []


#: Pieces are joined here so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile("|".join("/" + rest for rest in ("work/", "root/", r"home/\w", "Users/", "tmp/bash")))
REGISTRIES = re.compile(
    "|".join(
        name.replace(" ", r"\.")
        for name in (
            "pypi org",
            "pythonhosted org",
            "repo1 maven org",
            "repo maven apache org",
            "npmjs org",
            "crates io",
            "proxy golang org",
            "index docker io",
            "conda anaconda org",
        )
    )
)


def test_no_file_names_this_machine_or_a_package_registry() -> None:
    against = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # an image or another binary
        for wrong in (MACHINE_PATHS, REGISTRIES):
            against += [
                f"{named(path)}:{text.count(chr(10), 0, mark.start()) + 1} says {mark.group()}"
                for mark in wrong.finditer(text)
            ]
    assert against == []


def test_the_checks_above_see_the_code() -> None:
    """An empty list of files would pass them all."""
    for room in ROOMS:
        assert len(modules(room)) > 5
    assert ROOT / "requirements.lock" in tracked()
    assert any(name == "schemas.types" for _, name in imports(ROOT / "schemas" / "alert.py"))
    assert MACHINE_PATHS.search("see " + "/" + "work/main")
    assert REGISTRIES.search("https://files." + "pythonhosted" + ".org/x")
