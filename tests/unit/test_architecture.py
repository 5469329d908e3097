"""What keeps the house in its shape: who imports whom, that documents tell the truth, and what is never committed."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
WIRING = ("orchestration/defs/", "orchestration/definitions.py", "orchestration/history.py", "orchestration/run.py")
"""All that knows Dagster."""
MAY_IMPORT = {
    "orchestration/landing/": (
        "orchestration.landing",
        "orchestration.settings",
        "orchestration.faults",
        "orchestration.warehouse",
    ),
    "orchestration/simulation/": ("orchestration.simulation", "orchestration.settings"),
    "orchestration/measurement/": ("orchestration.measurement",),
    "orchestration/scorecard/": (
        "orchestration.scorecard",
        "orchestration.landing",
        "orchestration.measurement",
        "orchestration.planner",
        "orchestration.settings",
        "orchestration.simulation",
        "orchestration.transform",
        "orchestration.warehouse",
    ),
    "expectations/": ("expectations", "orchestration.landing.spec", "orchestration.settings"),
}
"""What each part may import of the project's own; data flows one way, and so do imports."""
DOCUMENTS = [name for name in ("README.md", "CONTRIBUTING.md", "DECISIONS.md") if (ROOT / name).exists()]
PATH_SUFFIXES = (".md", ".py", ".yml", ".toml", ".sql", ".csv", ".lock")
# Whoever reads the project elsewhere can use neither a folder of this machine nor its package index.
MACHINE = re.compile(
    rb"(?<![\w./$}>-])/(?:work|root|home|Users|tmp)/\w|\b(?:pypi|pythonhosted|npmjs|debian)\.(?:org|com)\b"
)


def tracked_files() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if (ROOT / path).is_file()]


TRACKED = tracked_files()
CODE = [path for path in TRACKED if path.endswith(".py")]


def imported_modules(source: str) -> Iterator[str]:
    """Every absolute name that a module imports, wherever the import stands; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides its direction"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def named_paths(document: str) -> Iterator[str]:
    """What stands in backticks and looks like a path of this project: not a URL, a command, or a placeholder.

    Nor a file that the document makes: its name, a colon, and a block with its text.
    """
    made = re.findall(r"^`([^`\n]+)`:\n\n```", document, re.MULTILINE)
    for text in re.findall(r"`([\w.][\w./-]*)`", re.sub(r"```.*?```", "", document, flags=re.DOTALL)):
        if ("/" in text or text.endswith(PATH_SUFFIXES)) and not any(path.startswith(text) for path in made):
            yield text.rstrip("/")


@pytest.mark.parametrize("path", [path for path in CODE if path.startswith(("orchestration/", "expectations/"))])
def test_only_the_wiring_knows_dagster_and_imports_flow_one_way(path: str) -> None:
    modules = set(imported_modules((ROOT / path).read_text()))
    if not path.startswith(WIRING):
        assert [module for module in modules if module.startswith("dagster")] == []
    allowed = next((allowed for part, allowed in MAY_IMPORT.items() if path.startswith(part)), None)
    own = {module for module in modules if is_inside(module, ("orchestration", "expectations", "tests"))}
    assert [module for module in own if allowed is not None and not is_inside(module, allowed)] == []
    assert [module for module in own if is_inside(module, ("tests",))] == []


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b\ndef f():\n    from dagster import asset\nif x:\n    from orchestration import defs as d\n"
    assert set(imported_modules(source)) == {"a.b", "dagster.asset", "orchestration.defs"}
    assert not is_inside("orchestration.landings", ("orchestration.landing",))


def test_what_the_code_imports_is_a_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {
        re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")
        for requirement in chain(project["dependencies"], *project["optional-dependencies"].values())
    }
    own = {"orchestration", "expectations", "tests"} | set(sys.stdlib_module_names)
    imported = {module.split(".")[0] for path in CODE for module in imported_modules((ROOT / path).read_text())} - own
    providers = importlib.metadata.packages_distributions()
    unlisted = {
        name for name in imported if not {d.lower().replace("_", "-") for d in providers.get(name, [name])} & direct
    }
    assert unlisted == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    parts = {"/" + "/".join(PurePosixPath(path).parts[:depth]) for path in TRACKED for depth in range(1, 12)}
    missing = [
        named
        for named in named_paths((ROOT / document).read_text())
        if not any(part.endswith("/" + named) for part in parts)
    ]
    assert missing == []


def test_a_path_in_a_document_is_told_from_other_words() -> None:
    text = (
        "`orchestration/run.py`, `seeds/`, `spec.py`; not `make run`, `raw_x.posts`, `models/<source>/`, `$HOME/x.py`"
    )
    blocks = "\n```\n`a/b`\n```\n`models/new.sql`:\n\n```sql\nselect 1\n```\nMake `models/new.sql`.\n"
    assert list(named_paths(text + blocks)) == ["orchestration/run.py", "seeds", "spec.py"]


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
    assert phony is not None
    helped = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"^ +make (\w+) ", helped, re.MULTILINE) == phony[1].split()
    assert set(phony[1].split()) == set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_no_tracked_file_names_a_machine_or_a_package_index() -> None:
    found = {path: MACHINE.findall((ROOT / path).read_bytes())[:3] for path in TRACKED}
    assert {path: hits for path, hits in found.items() if hits} == {}


@pytest.mark.parametrize("text", ["see /|work/x", "'/|root/y'", "(/|home/me/z)", "https://files.pythonhosted|.org"])
def test_a_machine_or_a_package_index_is_recognised(text: str) -> None:
    assert MACHINE.search(text.replace("|", "").encode())
    assert not MACHINE.search(b"dbt_project/tmp/x, $HOME/root/y, https://example.org/home/z")


def test_no_tracked_file_is_larger_than_two_megabytes() -> None:
    assert [path for path in TRACKED if (ROOT / path).stat().st_size > 2_000_000] == []
