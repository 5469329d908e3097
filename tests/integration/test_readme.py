"""README's questions, asked of the demo: the answers that stand there are the answers that come out."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from orchestration.summary import _unknown_block

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n([^`]*)```\n\n((?:\|.*\n)+)", README)


def _table(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines() if "---" not in line]


@pytest.mark.parametrize(("sql", "answer"), QUESTIONS)
def test_an_answer_in_the_readme_is_what_comes_out(shipped_marts: Path, sql: str, answer: str) -> None:
    with duckdb.connect(str(shipped_marts), read_only=True) as connection:
        result = connection.execute(sql)
        header = [column[0] for column in result.description or []]
        rows = [["" if value is None else str(value) for value in row] for row in result.fetchall()]
    assert [header, *rows] == _table(answer)


def test_the_number_to_check_is_in_the_summary(shipped_marts: Path) -> None:
    quoted = re.search(r"```\n(Origin\n.*?)```", README, re.DOTALL)
    assert quoted is not None
    with duckdb.connect(str(shipped_marts), read_only=True) as connection:
        assert quoted.group(1).strip() == _unknown_block(connection)
    assert len(QUESTIONS) == 4


def test_times_in_the_readme_were_measured() -> None:
    figure = re.compile(r"\d[\d,]*\.\d+")
    quoted = figure.findall(README[README.index("## Speed") : README.index("## People")])
    assert quoted
    assert set(quoted) <= set(figure.findall((PROJECT_ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")))
