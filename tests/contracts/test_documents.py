"""What the documents tell people to do works: examples, commands, make targets, links."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from schemas import decode
from streams.cli import build

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")])


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for _, code in found]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("command", ["lint", "test"])
def test_the_rule_of_the_recipe_is_sound_and_its_examples_hold(command: str, tmp_path: Path) -> None:
    (pack,) = blocks("CONTRIBUTING.md", "yaml")
    path = tmp_path / "my-pack.yaml"
    path.write_text(pack)
    ran = CliRunner().invoke(build(), ["rules", command, str(path)])
    assert ran.exit_code == 0, ran.output
    assert "1 rules" in ran.output


def test_the_codec_of_the_recipe_is_python() -> None:
    (codec,) = blocks("CONTRIBUTING.md", "python")
    assert "CODEC" in {target.id for node in ast.parse(codec).body if isinstance(node, ast.Assign)
                       for target in node.targets if isinstance(target, ast.Name)}  # fmt: skip


def test_the_least_declaration_of_the_guide_is_accepted() -> None:
    (least,) = blocks("docs/contracts.md", "json")
    assert decode.unknown_fields(decode.row(least.encode())) == []
    without = [{key: part for key, part in json.loads(least).items() if key != left} for left in json.loads(least)]
    for record in without:
        with pytest.raises(decode.ContractError, match="required"):
            decode.row(json.dumps(record).encode())


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_and_named_files_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    files = re.findall(r"`((?:schemas|detectors|streams|deploy|tests|docs)/[\w./-]+)`", text)
    missing = [link for link in links if not (path.parent / link).exists()]
    missing += [name for name in files if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_named_commands_and_targets_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    groups = {name: getattr(command, "commands", None) for name, command in get_command(build()).commands.items()}  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = [
        f"assay {name} {below}".strip()
        for name, below in re.findall(r"(?:^|`|\$ )assay ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE)
        if name not in groups or (groups[name] is not None and below and below not in groups[name])
    ]
    wrong += [f"make {name}" for name in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE) if name not in targets]
    assert wrong == []
