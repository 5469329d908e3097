"""Pipelines that a fault is injected into, what must hold of them, and children that die or run short of something."""

from __future__ import annotations

import csv
import dataclasses
import fcntl
import os
import pickle
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration import gates
from orchestration.inputs import build_state, code_state
from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import land_folder
from orchestration.publication import DATABASE, announce, current_publication, finished_publications, publish
from orchestration.recovery import repair
from orchestration.scorecard.pipeline import Project, compile_project, fill_tables
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import connect, is_damage, log_of, remedy
from tests.unit.landing_helpers import Toy

Totals = tuple[int, Decimal]
"""Number of orders and what they add up to."""

FIXTURES = ("shopify", "mailchimp", "mastodon", "bluesky")
"""Platforms whose small exports the prepared home holds: a shop, a newsletter, two networks."""


def dice(name: str) -> random.Random:
    """Chances of one fault: the same for the same `make faults SEED=…`."""
    return random.Random(f"{os.environ.get('BALCONY_FAULT_SEED', '7')} {name}")


class SmallPipeline:
    """One source, one mart: the project's own landing, gates and publication, in a second a night.

    `exported` is the truth, read from the files by Python's csv reader.
    """

    def __init__(self, root: Path, memory_limit: str = "1GB") -> None:
        self.toy = Toy(root)
        self.settings: Settings = dataclasses.replace(
            self.toy.settings, memory_limit=memory_limit, threads=2, kept_publications=3
        )
        self.nights = 0
        self.exported: dict[str, Decimal] = {}
        self.was_published: set[Totals] = set()

    def export(self, name: str, first: int, count: int) -> None:
        """Write an export of orders; numbers that an earlier one has are the same orders."""
        path = self.settings.exports / name
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Order Id", "Total", "Note", "Ordered at"])
            for number in range(first, first + count):
                writer.writerow([f"#{number}", f"{number % 997}.25", f"note {number * 7919}", "2026-03-01 12:00:00"])
        with path.open(newline="") as file:
            self.exported |= {row["Order Id"]: Decimal(row["Total"]) for row in csv.DictReader(file)}

    @property
    def truth(self) -> Totals:
        return len(self.exported), sum(self.exported.values(), Decimal(0))

    def night(self) -> list[str]:
        """Repair, land, build, open the gates, publish; what repairing said. Publishes nothing where nothing is new."""
        self.nights += 1
        run_id = f"run{self.nights:05d}"
        said = repair(self.settings)
        land_folder(self.settings)
        with connect(self.settings) as connection:
            state = build_state(self.settings, connection)
            current = current_publication(self.settings)
            if current is not None and current.build_state == state:
                return said
            build_orders(connection)
            for layer in gates.LAYERS:
                gates.record(connection, layer, run_id, [])
            gates.require_open(connection, gates.LAYERS[-1])
            publication_id = announce(self.settings, connection, run_id)
        publish(self.settings, publication_id, run_id, state, is_demo=False)
        self.was_published.add(self.published())
        return said

    def good_night(self) -> list[str]:
        """A night after which raw rows and what readers see are the truth."""
        said = self.night()
        assert self.landed() == self.truth, f"landed {self.landed()}, exported {self.truth}"
        assert self.published() == self.truth, f"published {self.published()}, exported {self.truth}"
        return said

    def landed(self) -> Totals:
        """What the raw table holds, after holding the ledger against it: each content once, each record accounted for."""
        with connect(self.settings) as connection:
            broken = connection.execute(
                """
                select loads.load_id from landing.loads
                left join (select _load_id, count(*) as landed from raw_toy.orders group by all) as found
                    on loads.load_id = found._load_id
                where loads.load_status = 'landed' and (
                    loads.rows_read_count <> loads.rows_landed_count + loads.rows_quarantined_count
                    or loads.rows_landed_count <> coalesce(found.landed, 0)
                )
                union all
                select _load_id from raw_toy.orders where _load_id not in (
                    select load_id from landing.loads where load_status = 'landed'
                )
                """
            ).fetchall()
            assert not broken, f"ledger and rows differ for the loads {broken}"
            twice = connection.execute(
                "select file_sha256 from landing.loads where load_status = 'landed' group by all having count(*) > 1"
            ).fetchall()
            assert not twice, f"landed twice: {twice}"
            return _totals(connection, "(select distinct order_id, total from raw_toy.orders)")

    def published(self) -> Totals:
        """What readers see, every value of it read."""
        with duckdb.connect(str(self.settings.published / "current" / DATABASE), read_only=True) as connection:
            return _totals(connection, "marts.fct_orders")

    def readers_are_served(self) -> None:
        """What is current is whole and was published, and so is each publication that is kept."""
        seen = self.published()
        assert seen in self.was_published | {self.truth}, f"readers see {seen}, which nothing published"
        self.was_published.add(seen)
        for name in finished_publications(self.settings):
            folder = self.settings.published / name
            with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
                stored = _totals(connection, "marts.fct_orders")
                parquet = _totals(connection, f"read_parquet('{folder / 'parquet/fct_orders/fct_orders.parquet'}')")
            assert stored == parquet
            assert not list(folder.rglob("*.wal"))


def build_orders(connection: duckdb.DuckDBPyConnection) -> None:
    """The one mart: each order once, in one transaction."""
    connection.execute("create schema if not exists marts")
    connection.execute(
        """
        create or replace table marts.fct_orders as
        select order_id, any_value(total) as total, md5(any_value(note)) as note_hash
        from raw_toy.orders group by order_id
        """
    )


def _totals(connection: duckdb.DuckDBPyConnection, relation: str) -> Totals:
    row = connection.execute(f"select count(*), coalesce(sum(total::decimal(18, 2)), 0) from {relation}").fetchone()
    assert row is not None
    return int(row[0]), row[1]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """The whole project, compiled once, and a home in which small exports of a few platforms landed and were published."""

    project: Project
    root: Path

    def copy(self, folder: Path) -> Settings:
        """A copy of exports and home that a fault may break."""
        shutil.copytree(self.root / "exports", folder / "exports")
        shutil.copytree(self.root / "home", folder / "home", symlinks=True)
        return settings_of(folder)


def settings_of(folder: Path) -> Settings:
    """Exports and home in one folder."""
    return dataclasses.replace(
        Settings.from_environment(), exports=folder / "exports", home=folder / "home", memory_limit="1GB", threads=2
    )


def prepared(folder: Path) -> Prepared:
    """The project and home that all faults of one run of the matrix share; made by the first that asks."""
    os.environ["BALCONY_HASH_KEY"] = "the same people in every home"
    # Kept from run to run where the environment names a folder; otherwise it goes with the run's other folders.
    base = Path(os.environ.get("BALCONY_FAULT_PREPARED") or folder.parent)
    root = base / f"prepared-{code_state(Settings.from_environment())[:12]}"
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "project.pickle").exists():
            project = compile_project(root / "built")
            empty = Path(shutil.copy(project.warehouse, root / "empty.duckdb"))
            prepare(dataclasses.replace(project, warehouse=empty), root)
        return Prepared(pickle.loads((root / "project.pickle").read_bytes()), root)


def prepare(project: Project, root: Path) -> None:
    """Make the home below `root`, and keep the project beside it."""
    settings = settings_of(root)
    for platform in FIXTURES:
        shutil.copytree(PROJECT_ROOT / "tests" / "fixtures" / "exports" / platform, settings.exports / platform)
    full_night(project, settings, "prepared")
    (root / "project.pickle").write_bytes(pickle.dumps(project))


def full_night(project: Project, settings: Settings, run_id: str) -> list[str]:
    """Repair, land, fill every table of the project with the SQL that dbt compiled, open the gates, publish."""
    said = repair(settings)
    _make_tables(project, settings)
    land_folder(settings)
    with open_warehouse(settings) as connection:
        state = build_state(settings, connection)
        current = current_publication(settings)
        if current is not None and current.build_state == state:
            return said
        fill_tables(project, connection)
        for layer in gates.LAYERS:
            gates.record(connection, layer, run_id, [])
        publication_id = announce(settings, connection, run_id)
    publish(settings, publication_id, run_id, state, is_demo=False)
    return said


def _make_tables(project: Project, settings: Settings) -> None:
    """Begin with every table of the project where the warehouse is new; dbt would make them."""
    if settings.warehouse.exists():
        with open_warehouse(settings) as connection:
            if connection.execute("select count(*) from duckdb_tables() where schema_name = 'marts'").fetchone() != (
                0,
            ):
                return
        settings.warehouse.unlink()
        log_of(settings).unlink(missing_ok=True)
    settings.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project.warehouse, settings.warehouse)


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a child ended."""

    was_killed: bool
    error: str
    """The text of the exception that ended it; blank where none did."""

    def assert_clear(self) -> None:
        """The text says what to do, and what happened in one line that is no traceback."""
        assert self.error, "it went on as if nothing had happened"
        assert remedy(self.error), f"no remedy for: {self.error}"
        assert "Traceback" not in self.error


def in_child(
    act: Callable[[], object],
    *,
    killed_after: float | None = None,
    fault: str = "",
    watch: Callable[[int], bool] | None = None,
) -> Ended:
    """Run `act` in a child process, which has every connection to itself.

    `killed_after` seconds it gets SIGKILL; `fault` names a fault point that does the same; `watch` looks at the child's
    process id every 5 ms and says when to kill it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.environ["BALCONY_FAULT"] = fault
        try:
            act()
        except BaseException as error:
            os.write(writing, (str(error) or type(error).__name__)[:4000].encode())
        os._exit(0)
    os.close(writing)
    stop = None if killed_after is None else time.monotonic() + killed_after
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if (stop is not None and time.monotonic() >= stop) or (watch and watch(child)):
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.005)
    with os.fdopen(reading, errors="replace") as pipe:
        return Ended(os.WIFSIGNALED(ended[1]), pipe.read())


def no_file_larger_than(byte_count: int) -> None:
    """For this process, a disk on which no file grows beyond so many bytes: writing fails as on a full one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte_count, byte_count))


def as_nobody() -> None:
    """Give up root's rights, to which no permission applies."""
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)


def assert_damage(text: str) -> None:
    """The text tells of a damaged warehouse."""
    assert is_damage(text), f"not recognised as damage: {text}"
