"""The independent count of physical records against Python's csv reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.landing import records
from orchestration.landing.records import count_records, ordinals_at, record_texts

cells = st.text(alphabet='ab," \n;é', max_size=6)
tables = st.lists(st.lists(cells, min_size=2, max_size=3), min_size=1, max_size=30)


@given(table=tables, line_end=st.sampled_from(["\n", "\r\n"]), block=st.integers(1, 40), final=st.booleans())
def test_counts_and_texts_agree_with_the_csv_module(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], line_end: str, block: int, final: bool
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(table)
    content = text.getvalue().encode() if final else text.getvalue().encode().removesuffix(line_end.encode())
    path = tmp_path_factory.mktemp("records") / "table.csv"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", block)
        counted = count_records(path, quoted=True, parts=3)
        texts = record_texts(path, range(counted.records), quoted=True)
        starts = [start for start, _ in counted.parts]
        ordinals = ordinals_at(path, starts, quoted=True)
    assert counted.records == len(table)
    assert not counted.open_quote
    assert [next(csv.reader(io.StringIO(text.decode(), newline=""))) for text in texts.values()] == table
    assert ordinals == [before for _, before in counted.parts]


def test_a_file_that_ends_inside_quotes_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes(b'a,b\n1,"2\n3,4\n')
    assert count_records(path, quoted=True).open_quote
    assert not count_records(path, quoted=False).open_quote
