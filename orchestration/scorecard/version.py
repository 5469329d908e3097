"""Which code made a world's figures: what cannot change one is left out, so that it does not throw worlds away."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path

from orchestration.landing.spec import load_specs, specs_version
from orchestration.scorecard.pipeline import Project
from orchestration.settings import PROJECT_ROOT

MADE_BY = (
    "orchestration/landing",
    "orchestration/measurement",
    "orchestration/simulation",
    "orchestration/scorecard/estimates",
    "orchestration/scorecard/truths",
    "orchestration/scorecard/views.sql",
    "orchestration/scorecard/estimates.py",
    "orchestration/scorecard/pipeline.py",
    "orchestration/warehouse.py",
)
"""The code, besides the models, that a world's figures depend on."""
ENGINES = ("duckdb", "numpy", "pandas", "scipy")

_COMMENTS_AND_BLANKS = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\")|(?:--[^\n]*|/\*.*?\*/|\s)+", re.DOTALL)


def code_version(project: Project) -> str:
    """Hash over all that a world's figures depend on: the models' queries, code, reference data, formats and engines.

    Comments, docstrings and models that no judged mart reads are no part of it. 12 hexadecimal digits.
    """
    files = [file for part in MADE_BY for file in sorted([PROJECT_ROOT / part, *(PROJECT_ROOT / part).rglob("*")])]
    told = [
        # Each compilation finds another order in which tables can be filled.
        *sorted(f"{model.relation} {without_comments(model.query)}" for model in (*project.tables, *project.views)),
        *(f"{file.relative_to(PROJECT_ROOT)} {_said(file)}" for file in files if file.suffix in (".py", ".sql")),
        *(f"{seed.name} {seed.read_text(encoding='utf-8')}" for seed in project.seeds),
        json.dumps(project.measurements),
        specs_version(load_specs(PROJECT_ROOT / "dbt_project")),
        *(f"{engine} {version(engine)}" for engine in ENGINES),
    ]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:12]


def _said(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    return without_comments(text) if file.suffix == ".sql" else without_docstrings(text)


def without_comments(query: str) -> str:
    """A query with one blank for every comment and stretch of blanks outside of quotes."""
    return _COMMENTS_AND_BLANKS.sub(lambda found: found[1] or " ", query)


def without_docstrings(code: str) -> str:
    """The syntax tree of a module, which has no comments, without texts that stand alone."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
