"""Faults of the machine and of the database file: kills, full disks, little memory, damaged and lost files, clocks, rights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import duckdb
import psutil
import pytest

from orchestration import publication
from orchestration.exports import require_exports
from orchestration.home import set_up_dagster
from orchestration.landing import load
from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import land_folder
from orchestration.publication import AuditError, announce, finished_publications, publish
from orchestration.recovery import SET_ASIDE, repair
from orchestration.rollback import roll_back
from orchestration.settings import PROJECT_ROOT
from orchestration.warehouse import UnusableWarehouseError, configuration, connect, is_damage, log_of, with_remedy
from tests.faults.fault import Fault
from tests.faults.pipeline import (
    SmallPipeline,
    as_nobody,
    assert_damage,
    dice,
    full_night,
    in_child,
    no_file_larger_than,
    prepared,
)
from tests.integration.helpers import mart_rows


def kill_while_landing(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 200)
    pipeline.good_night()
    chance, killed = dice("1"), 0
    started = time.monotonic()
    land_folder(pipeline.settings)
    opening = time.monotonic() - started
    for round_ in range(12):
        pipeline.export(f"kill{round_:02d}.csv", round_ * 2000, 20_000)
        after = chance.uniform(0.3 * opening, 2.5 * opening)
        killed += in_child(lambda: land_folder(pipeline.settings), killed_after=after).was_killed
        pipeline.landed()  # Ledger and rows: both there or neither.
        pipeline.readers_are_served()
        if round_ % 4 == 3:
            pipeline.good_night()
    assert killed, "no kill came in time"
    return f"{killed} of 12 runs killed after a random time; ledger and rows agreed after each, the next run landed the rest"


def kill_at_each_point_of_landing(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 200)
    pipeline.good_night()
    for number, point in enumerate(("landing.archived", "landing.in_transaction", "landing.committed")):
        pipeline.export(f"next{number}.csv", 100 + number * 300, 400)
        assert in_child(lambda: land_folder(pipeline.settings), fault=point).was_killed
        rows = pipeline.landed()
        assert (rows == pipeline.truth) == (point == "landing.committed")
        pipeline.readers_are_served()
        pipeline.good_night()
    assert not list(pipeline.settings.archive.glob("incoming-*"))
    return "before the commit nothing of the file was there, after it all; the next run landed the rest"


def kill_while_checkpointing(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 20_000)
    pipeline.good_night()
    chance, slowest = dice("2"), 0.0

    def write_for_ever() -> None:
        with connect(pipeline.settings) as connection:
            while True:
                connection.execute(
                    "create or replace table marts.fct_orders as select *, 1 as more from raw_toy.orders, range(20)"
                )
                connection.execute("checkpoint")

    for _ in range(10):
        assert in_child(write_for_ever, killed_after=chance.uniform(0.1, 1.5)).was_killed
        started = time.monotonic()
        with connect(pipeline.settings) as connection:
            slowest = max(slowest, time.monotonic() - started)
            columns = len(connection.execute("describe marts.fct_orders").fetchall())
        assert columns in (3, 9), f"a table between old and new, of {columns} columns"
        assert pipeline.landed() == pipeline.truth
    pipeline.readers_are_served()
    pipeline.export("later.csv", 20_000, 10)
    pipeline.good_night()
    return f"10 kills: the table old or new each time, nothing lost; the file opened in {slowest:.2f} s at most"


def disk_full_while_landing(folder: Path) -> str:
    return _disk_full(folder, "9", lambda pipeline: land_folder(pipeline.settings))


def disk_full_all_night(folder: Path) -> str:
    return _disk_full(folder, "9b", lambda pipeline: pipeline.night())


def _disk_full(folder: Path, name: str, act: object) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 2000)
    pipeline.good_night()
    chance, failed = dice(name), 0
    for round_ in range(8):
        pipeline.export(f"more{round_}.csv", 1000 + round_ * 15_000, 20_000)
        largest = max(path.stat().st_size for path in pipeline.settings.home.rglob("*") if path.is_file())

        def short_of_disk(limit: int = int(chance.uniform(0.02, 1.3) * largest)) -> None:
            no_file_larger_than(limit)
            act(pipeline)  # type: ignore[operator]

        ended = in_child(short_of_disk)
        assert not ended.was_killed, f"it died of the full disk: {ended}"
        if ended.error:
            failed += 1
            ended.assert_clear() if not ended.error.startswith("the warehouse") else None
        pipeline.landed()
        pipeline.readers_are_served()
        pipeline.good_night()
        assert not list(pipeline.settings.published.glob("*.tmp"))
    assert failed, "no disk was full"
    return f"{failed} of 8 runs met a full disk and said so with the remedy; with space again each next run was whole"


def disk_full_in_a_checkpoint(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 2000)
    pipeline.good_night()
    pipeline.export("more.csv", 1000, 50_000)

    def checkpoint_without_space() -> None:
        with mock.patch.object(load, "write_index", side_effect=lambda *_: no_file_larger_than(300_000)):
            land_folder(pipeline.settings)

    ended = in_child(checkpoint_without_space)
    ended.assert_clear()
    assert pipeline.landed() == pipeline.truth, "what was committed before the checkpoint is gone"
    pipeline.readers_are_served()
    pipeline.good_night()
    return f"the run failed with the remedy ({_head(ended.error)}); all that was committed was there when reopened"


def disk_full_while_publishing(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 2000)
    pipeline.good_night()
    pipeline.export("more.csv", 1000, 60_000)
    errors = []
    for limit in (1_000, 200_000, 700_000):

        def publish_without_space(limit: int = limit) -> None:
            with mock.patch.object(publication, "fault_point", side_effect=lambda _: no_file_larger_than(limit)):
                pipeline.night()

        ended = in_child(publish_without_space)
        ended.assert_clear()
        errors.append(ended.error)
        pipeline.readers_are_served()
        assert pipeline.published() != pipeline.truth
    pipeline.good_night()
    pipeline.readers_are_served()
    assert not list(pipeline.settings.published.glob("*.tmp"))
    return "the previous publication stayed current and whole; the next run removed the half one and published"


def disk_full_of_spill(folder: Path) -> str:
    pipeline = SmallPipeline(folder, memory_limit="40MB")
    pipeline.export("first.csv", 0, 2000)
    pipeline.good_night()

    def spill_without_space() -> None:
        with duckdb.connect(":memory:", config=configuration(pipeline.settings)) as connection:
            no_file_larger_than(1_000_000)
            connection.execute("create table t as select i, md5(i::varchar) as m from range(3000000) r (i) order by m")

    def not_enough_allowed() -> None:
        with connect(pipeline.settings) as connection:
            connection.execute("set max_temp_directory_size = '5MB'")
            connection.execute(
                "create or replace table marts.fct_orders as"
                " select i as order_id, i as total, md5(i::varchar) as m from range(3000000) r (i) order by m"
            )

    for act in (spill_without_space, not_enough_allowed):
        in_child(act).assert_clear()
        pipeline.readers_are_served()
    pipeline.export("more.csv", 1000, 3000)
    pipeline.good_night()
    return "the statement failed with the remedy, the warehouse stayed as it was, the next run was whole"


def little_memory(folder: Path) -> str:
    pipeline = SmallPipeline(folder, memory_limit="100MB")
    pipeline.export("large.csv", 0, 300_000)
    pipeline.good_night()
    with connect(pipeline.settings) as connection:
        connection.execute(
            "create or replace table marts.fct_orders as select *, md5(note) as m from raw_toy.orders, range(6)"
        )
        row = connection.execute("select count(*) from (from marts.fct_orders order by m, order_id)").fetchone()
        assert row == (1_800_000,)
    pipeline.readers_are_served()
    return "300,000 rows landed and 1,800,000 were sorted with 100 MB; what did not fit was spilled"


def too_little_memory(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 2000)
    pipeline.good_night()
    pipeline.export("large.csv", 0, 400_000)

    def starved() -> None:
        pipeline.settings.__dict__["memory_limit"] = "12MB"
        pipeline.night()

    ended = in_child(starved)
    ended.assert_clear()
    pipeline.landed()
    pipeline.readers_are_served()
    pipeline.good_night()
    return f"with 12 MB the run failed with the remedy ({_head(ended.error)}); with 1 GB the next was whole"


def killed_for_its_memory(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 2000)
    pipeline.good_night()
    chance, kills = dice("13"), 0
    base = psutil.Process().memory_info().rss
    for round_ in range(4):
        pipeline.export(f"large{round_}.csv", 1000, 150_000 + round_)
        limit = base + int(chance.uniform(5e6, 60e6))

        def is_too_large(child: int, limit: int = limit) -> bool:
            return psutil.Process(child).memory_info().rss > limit

        kills += in_child(pipeline.night, watch=is_too_large).was_killed
        pipeline.landed()
        pipeline.readers_are_served()
    assert kills
    pipeline.good_night()
    return (
        f"{kills} of 4 runs got SIGKILL when their memory passed a limit; nothing was half done, the next run was whole"
    )


def torn_log(folder: Path) -> str:
    pipeline = _with_a_log(folder)
    log, file = log_of(pipeline.settings).read_bytes(), pipeline.settings.warehouse.read_bytes()
    chance, missing = dice("14"), 0
    for _ in range(8):
        pipeline.settings.warehouse.write_bytes(file)
        log_of(pipeline.settings).write_bytes(log[: chance.randrange(len(log))])
        missing += pipeline.landed() != pipeline.truth
        pipeline.readers_are_served()
        said = pipeline.good_night()
        assert said == []
    assert missing, "no cut lost anything"
    return f"8 logs cut at random: {missing} lost a file's rows together with its entry, and each next run landed them again"


def flipped_log(folder: Path) -> str:
    pipeline = _with_a_log(folder)
    (pipeline.settings.exports / "first.csv").unlink()
    log, file = log_of(pipeline.settings).read_bytes(), pipeline.settings.warehouse.read_bytes()
    chance, refused = dice("15"), 0
    for _ in range(8):
        pipeline.settings.warehouse.write_bytes(file)
        log_of(pipeline.settings).write_bytes(_flipped(log, chance.randrange(len(log))))
        # In its last entry, a flipped byte looks like a log that was cut there.
        is_refused = _is_refused(pipeline)
        refused += is_refused
        pipeline.readers_are_served()
        said = pipeline.good_night()
        assert (bool(said) and "damaged" in said[0] and SET_ASIDE in said[1]) == is_refused
    assert refused > 4
    return (
        f"8 logs with flipped bytes: {refused} refused loudly and set aside, the others read as far as they go;"
        " all landed again, a file that had left the exports too"
    )


def _with_a_log(folder: Path) -> SmallPipeline:
    """Published, then killed with three more files committed to the log only."""
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 500)
    pipeline.good_night()
    for number in range(3):
        pipeline.export(f"later{number}.csv", 400 + number * 300, 400)

    def die_before_the_checkpoint() -> None:
        with mock.patch.object(load, "write_index", side_effect=lambda *_: os.kill(os.getpid(), 9)):
            land_folder(pipeline.settings)

    assert in_child(die_before_the_checkpoint).was_killed
    assert log_of(pipeline.settings).exists()
    return pipeline


def flipped_blocks(folder: Path) -> str:
    """Bytes at random offsets; where nothing reads them, nothing is wrong, and where something does, it is said."""
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 3000)
    pipeline.export("gone.csv", 2500, 3000)
    pipeline.good_night()
    (pipeline.settings.exports / "gone.csv").unlink()
    chance, became = dice("16"), Counter[str]()
    for round_ in range(10):
        content = pipeline.settings.warehouse.read_bytes()
        pipeline.settings.warehouse.write_bytes(_flipped(content, chance.randrange(len(content))))
        became[_two_nights(pipeline, round_)] += 1
    return "10 files with flipped bytes: " + _counted(became)


def _two_nights(pipeline: SmallPipeline, number: int) -> str:
    """After damage, with a new file: at the latest the second night is whole. What came of the first."""
    pipeline.export(f"next{number}.csv", 5000 + number, 300)
    try:
        became = "set aside at once" if pipeline.night() else "nothing had stood there"
    except (duckdb.Error, RuntimeError) as error:
        assert_damage(str(error))
        became = "met by the run, which failed, and set aside by the next"
        pipeline.readers_are_served()
        assert pipeline.night(), "the next run did not see the damage"
    pipeline.readers_are_served()
    assert (pipeline.landed(), pipeline.published()) == (pipeline.truth, pipeline.truth)
    with connect(pipeline.settings) as connection:
        connection.execute("checkpoint")
    return became


def _counted(became: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in became.most_common()) + "; all landed again from the archive"


def torn_file(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 3000)
    pipeline.good_night()
    (pipeline.settings.exports / "first.csv").unlink()
    chance, became = dice("16b"), Counter[str]()
    for round_, kept in enumerate([0.0, 0.5, *(chance.random() for _ in range(6))]):
        content = pipeline.settings.warehouse.read_bytes()
        pipeline.settings.warehouse.write_bytes(content[: int(len(content) * kept)])
        became[_two_nights(pipeline, round_)] += 1
    return "8 files without their tail, one empty: " + _counted(became)


def damaged_archive(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 300)
    pipeline.export("second.csv", 200, 300)
    pipeline.good_night()
    kept = sorted(path for path in pipeline.settings.archive.glob("??/*"))
    kept[0].chmod(0o644)
    kept[0].write_bytes(_flipped(kept[0].read_bytes(), 100))
    pipeline.settings.warehouse.unlink()
    pipeline.good_night()
    shutil.rmtree(pipeline.settings.exports)
    pipeline.settings.exports.mkdir()
    pipeline.settings.warehouse.unlink()
    pipeline.good_night()
    return "a damaged file of the archive did not land; the exports folder still had it, and the archive has a sound copy again"


def log_of_another_file(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 300)
    pipeline.good_night()
    with connect(pipeline.settings) as connection:
        connection.execute("checkpoint")
    older = pipeline.settings.warehouse.read_bytes()
    pipeline.export("second.csv", 200, 300)
    pipeline.good_night()
    with connect(pipeline.settings) as connection:
        connection.execute("checkpoint")
    pipeline.export("third.csv", 400, 300)

    def die_before_the_checkpoint() -> None:
        with mock.patch.object(load, "write_index", side_effect=lambda *_: os.kill(os.getpid(), 9)):
            land_folder(pipeline.settings)

    assert in_child(die_before_the_checkpoint).was_killed
    assert log_of(pipeline.settings).exists()
    pipeline.settings.warehouse.write_bytes(older)
    assert _is_refused(pipeline)
    said = pipeline.good_night()
    assert "damaged" in said[0]
    pipeline.readers_are_served()
    pipeline.settings.warehouse.unlink()
    log_of(pipeline.settings).write_bytes(b"of another file")
    assert "a log without its warehouse" in pipeline.night()[0]
    assert pipeline.landed() == pipeline.truth
    return (
        "an older file beside a newer log, and a log alone: refused, set aside, landed again; no publication has a log"
    )


def lost_warehouse(folder: Path) -> str:
    ready = prepared(folder)
    settings = ready.copy(folder)
    with connect(settings) as connection:
        before = mart_rows(connection)
        files = connection.execute("from landing.files order by all").fetchall()
        runs = connection.execute("select publication_id from raw_balcony.publications").fetchall()
    shutil.rmtree(settings.exports)
    settings.exports.mkdir()
    settings.warehouse.unlink()
    log_of(settings).unlink(missing_ok=True)
    said = repair(settings)
    assert any("lands again" in line for line in said), said
    land_folder(settings)
    with connect(settings) as connection:
        again = connection.execute("from landing.files order by all").fetchall()
        assert again == files, "the ledger of files is another one"
        assert connection.execute("select publication_id from raw_balcony.publications").fetchall() == runs
    # What has landed is the same, so the publication is up to date; a rebuild must give the same marts.
    settings.warehouse.rename(folder / "landed.duckdb")
    shutil.copyfile(ready.project.warehouse, settings.warehouse)
    full_night(ready.project, settings, "again")
    with open_warehouse(settings) as connection:
        from orchestration.scorecard.pipeline import fill_tables

        fill_tables(ready.project, connection)
        after = mart_rows(connection)
    different = [mart for mart in before if before[mart] != after[mart]]
    assert not different, f"marts differ: {different}"
    return f"warehouse and exports gone: {len(files)} files landed again from the archive, all {len(before)} marts are the same"


def locked_by_another_process(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 300)
    pipeline.good_night()
    pipeline.export("second.csv", 200, 300)
    for read_only in (True, False):
        program = (
            "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True');"
            " print('open', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", program, str(pipeline.settings.warehouse), str(read_only)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            ended = in_child(pipeline.night)
            ended.assert_clear()
            assert str(holder.pid) in ended.error, f"it does not name the process: {ended.error}"
            pipeline.readers_are_served()
            assert holder.stdin is not None
            holder.stdin.close()
    pipeline.good_night()
    return "the run failed at once, named the process and the remedy, and changed nothing; the next was whole"


def clock_goes_back(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    real = datetime

    class Clock(datetime):
        behind = timedelta()

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return real.now(tz) - cls.behind  # type: ignore[arg-type]

    made = []
    with mock.patch("orchestration.publication.datetime", Clock), mock.patch("orchestration.gates.datetime", Clock):
        for night, days in enumerate((0, 400, -3, 30, 1)):
            Clock.behind = timedelta(days=days)
            pipeline.export(f"night{night}.csv", night * 200, 300)
            os.utime(pipeline.settings.exports / f"night{night}.csv", (1e9 - night * 1e6,) * 2)
            pipeline.good_night()
            pipeline.readers_are_served()
            made.append((pipeline.settings.published / "current").readlink().name)
    assert made == sorted(made), f"publications out of order: {made}"
    assert finished_publications(pipeline.settings) == made[-3:]
    with duckdb.connect(str(pipeline.settings.published / "current" / publication.DATABASE), read_only=True) as marts:
        assert marts.execute("select count(*) from marts.fct_orders").fetchone() == (len(pipeline.exported),)
    assert roll_back(pipeline.settings) == made[-2]
    return (
        "five nights with a clock that jumped by up to 400 days: every file landed once, publications kept their order"
    )


def rights_and_folders(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 300)
    pipeline.good_night()
    pipeline.export("second.csv", 200, 300)
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    home = pipeline.settings.home
    tried = []

    def tried_on(what: str, act: object) -> None:
        ended = in_child(act)  # type: ignore[arg-type]
        ended.assert_clear()
        tried.append(what)
        assert pipeline.landed()[0] == 300
        pipeline.readers_are_served()

    def without_rights() -> None:
        as_nobody()
        pipeline.night()

    tried_on("a warehouse that may not be written", without_rights)

    def a_home_that_may_not_be_made() -> None:
        as_nobody()
        pipeline.settings.__dict__["home"] = home / "new"
        pipeline.night()

    tried_on("a home that may not be made", a_home_that_may_not_be_made)

    def exports_that_may_not_be_read() -> None:
        as_nobody()
        require_exports(pipeline.settings)

    pipeline.settings.exports.chmod(0o700)
    tried_on("exports that may not be read", exports_that_may_not_be_read)
    pipeline.settings.exports.chmod(0o755)

    def a_file_that_may_not_be_read() -> None:
        as_nobody()
        land_folder(pipeline.settings)

    def a_home_that_is_a_file() -> None:
        pipeline.settings.__dict__["home"] = pipeline.settings.exports / "first.csv"
        set_up_dagster(pipeline.settings)

    tried_on("a home that is a file", a_home_that_is_a_file)

    def publications_that_may_not_be_written() -> None:
        pipeline.settings.warehouse.chmod(0o666)
        home.chmod(0o777)
        for path in (*pipeline.settings.archive.rglob("*"), pipeline.settings.archive, pipeline.settings.spill):
            path.chmod(0o777 if path.is_dir() else 0o644)
        (home / "identity.key").chmod(0o644)
        as_nobody()
        with connect(pipeline.settings) as connection:
            publication_id = announce(pipeline.settings, connection, "nobody")
        publish(pipeline.settings, publication_id, "nobody", "state", is_demo=False)

    tried_on("publications that may not be written", publications_that_may_not_be_written)
    shutil.move(pipeline.settings.exports, folder / "elsewhere")
    with pytest.raises(FileNotFoundError, match=str(pipeline.settings.exports)):
        require_exports(pipeline.settings)
    shutil.move(folder / "elsewhere", pipeline.settings.exports)
    shutil.move(pipeline.settings.warehouse, folder / "aside")
    pipeline.settings.warehouse.mkdir()
    with pytest.raises((UnusableWarehouseError, duckdb.Error, OSError)) as met:
        pipeline.night()
    assert "something else has that name" in with_remedy(str(met.value))
    pipeline.settings.warehouse.rmdir()
    shutil.move(folder / "aside", pipeline.settings.warehouse)
    pipeline.good_night()
    return f"{', '.join(tried)}, missing exports, a folder in the warehouse's place: each said with the remedy; then all landed"


def exports_missing_from_the_command_line(folder: Path) -> str:
    environment = {"BALCONY_HOME": str(folder / "home"), "BALCONY_EXPORTS": str(folder / "nowhere")}
    command = [sys.executable, "-m", "orchestration.run"]
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(folder / "nowhere") in done.stderr
    (folder / "exports").mkdir()
    (folder / "home").write_text("a file")
    environment["BALCONY_EXPORTS"] = str(folder / "exports")
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "then start the run again" in done.stderr
    return "`make run` says in one line which folder is missing, or that a file has the home's name; exit code 1"


def publication_that_fails(folder: Path) -> str:
    pipeline = SmallPipeline(folder)
    pipeline.export("first.csv", 0, 300)
    pipeline.good_night()
    pipeline.export("second.csv", 200, 300)
    with mock.patch.object(publication, "_audited_count", side_effect=AuditError("fct_orders: differs")):
        ended = in_child(pipeline.night)
    assert "fct_orders" in ended.error
    pipeline.readers_are_served()
    assert pipeline.published() != pipeline.truth
    pipeline.good_night()
    assert not list(pipeline.settings.published.glob("*.tmp"))
    return "a copy that differs from the warehouse was not published; the next run published"


def _is_refused(pipeline: SmallPipeline) -> bool:
    """Whether opening fails with the remedy."""
    try:
        with connect(pipeline.settings):
            return False
    except UnusableWarehouseError as error:
        return is_damage(str(error)) and "sets the file aside" in str(error)


def _flipped(content: bytes, offset: int) -> bytes:
    length = min(16, len(content) - offset)
    return (
        content[:offset] + bytes(255 - byte for byte in content[offset : offset + length]) + content[offset + length :]
    )


def _head(text: str) -> str:
    """The beginning of an error, without where on this machine it happened."""
    return re.sub(r"(?:/[^/\s\"]+)+/", "", text.splitlines()[0].split(": ", 1)[-1])[:90]


FAULTS: tuple[Fault, ...] = (
    Fault(
        "1",
        "kill -9 at a random time while files land",
        "raw",
        "ledger and rows both or neither; rerun is whole",
        kill_while_landing,
    ),
    Fault(
        "1b",
        "kill -9 before, in and after a file's transaction",
        "raw",
        "all of a file or nothing; rerun is whole",
        kill_at_each_point_of_landing,
    ),
    Fault(
        "2",
        "kill -9 in CREATE TABLE AS and in CHECKPOINT",
        "engine",
        "opens, table old or new, nothing lost",
        kill_while_checkpointing,
    ),
    Fault(
        "8e",
        "another process has the warehouse open",
        "engine",
        "clear error that names the process; nothing changed",
        locked_by_another_process,
    ),
    Fault(
        "9", "disk full while landing", "engine", "clear error, nothing lost, rerun is whole", disk_full_while_landing
    ),
    Fault(
        "9b",
        "disk full anywhere in a night",
        "engine",
        "clear error, last publication intact, rerun is whole",
        disk_full_all_night,
    ),
    Fault(
        "10",
        "disk full in a checkpoint",
        "engine",
        "what was committed is there when reopened",
        disk_full_in_a_checkpoint,
    ),
    Fault(
        "11",
        "disk full while publishing",
        "publish",
        "previous publication intact, no half one stays",
        disk_full_while_publishing,
    ),
    Fault(
        "11b",
        "disk full of spill, and spill beyond its limit",
        "transform",
        "clear error, warehouse as before",
        disk_full_of_spill,
    ),
    Fault("12", "less memory than the data needs", "transform", "spills and passes", little_memory),
    Fault(
        "12b",
        "too little memory to work at all",
        "all",
        "clear error, nothing lost, rerun with more is whole",
        too_little_memory,
    ),
    Fault(
        "13",
        "killed for its memory, as by the kernel",
        "all",
        "nothing half done, rerun is whole",
        killed_for_its_memory,
    ),
    Fault(
        "14",
        "the log's tail lost, as by a power cut",
        "engine",
        "opens with what came before; the rest lands again",
        torn_log,
    ),
    Fault("15", "flipped bytes in the log", "engine", "refused loudly; set aside and landed again", flipped_log),
    Fault(
        "16", "flipped bytes in the warehouse", "engine", "found when read; set aside and landed again", flipped_blocks
    ),
    Fault(
        "16b",
        "the warehouse's tail lost, as by a power cut",
        "engine",
        "refused loudly; set aside and landed again",
        torn_file,
    ),
    Fault(
        "16c",
        "flipped bytes in the archive",
        "landing",
        "not landed from there; the exports' copy lands",
        damaged_archive,
    ),
    Fault(
        "17",
        "another file's log beside the warehouse",
        "engine",
        "refused loudly; set aside and landed again",
        log_of_another_file,
    ),
    Fault(
        "17b",
        "warehouse lost, exports cleared",
        "engine",
        "the archive gives the same ledger and marts",
        lost_warehouse,
    ),
    Fault(
        "24e",
        "the machine's clock goes back and forth",
        "all",
        "each file once; publications keep their order",
        clock_goes_back,
    ),
    Fault(
        "40p",
        "a failing publication",
        "publish",
        "previous publication served; next run publishes",
        publication_that_fails,
    ),
    Fault(
        "46e",
        "no rights, missing folders, wrong kinds of files",
        "all",
        "clear error with the remedy, no partial state",
        rights_and_folders,
    ),
    Fault(
        "46f",
        "the same from the command line",
        "all",
        "one line that names the folder, exit code 1",
        exports_missing_from_the_command_line,
    ),
)
