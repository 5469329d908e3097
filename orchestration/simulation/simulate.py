"""Write a simulated world: `python -m orchestration.simulation.simulate OUT --seed 7 --world base --size small`.

The exports that its owner would download go to OUT/exports, what nobody could know to OUT/truth. The size large is
written as tables instead: see `orchestration/simulation/large.py`.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

from orchestration.simulation import large
from orchestration.simulation.behaviour import live
from orchestration.simulation.downloads import write_exports
from orchestration.simulation.regimes import REGIMES, SIZES, world_config
from orchestration.simulation.truth import write_truth

DEMO_SEED = 7


def main(arguments: list[str] | None = None) -> int:
    """Write one world and say what it cost; 1 if the arguments are no use."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.simulation.simulate", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write into, made where it is missing; must be empty")
    parser.add_argument("--seed", type=int, default=DEMO_SEED)
    parser.add_argument("--world", default="base", help=", ".join(REGIMES))
    parser.add_argument("--size", default="small", help=", ".join(SIZES))
    asked = parser.parse_args(arguments)
    if asked.size == "large" and asked.world == "base":
        return large.main([str(asked.out), "--seed", str(asked.seed)])
    try:
        print(simulate(asked.out, asked.seed, asked.world, asked.size))
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def simulate(out: Path, seed: int, world_name: str, size: str) -> str:
    """Write a world's exports and truth below `out`; returns a summary of lines.

    Raises `ValueError` for an unknown world or size, `FileExistsError` if there is anything in `out`.
    """
    config = world_config(world_name, size)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} is not an empty folder; a world is written into one of its own")
    started_at = time.monotonic()
    world = live(config, seed)
    lived_at = time.monotonic()
    write_exports(world, out / "exports")
    write_truth(world, out / "truth")
    done_at = time.monotonic()
    files = [path.stat().st_size for path in (out / "exports").rglob("*") if path.is_file()]
    return "\n".join(
        [
            f"{config.name}, {size}, seed {seed}: {config.people:,} people, {config.days} days",
            f"  {len(world.visits.at):,} visits, {int((~world.orders.is_failed).sum()):,} orders",
            f"  {len(files)} files, {sum(files) / 1e6:.1f} MB in {out / 'exports'}; the truth is in {out / 'truth'}",
            f"  {lived_at - started_at:.1f} s to live, {done_at - lived_at:.1f} s to write, "
            f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB",
        ]
    )


def write_demo(folder: Path, size: str = "small") -> None:
    """Write the exports of the base world below `folder`: what a run shows while nobody has dropped a file yet.

    Raises `ValueError` for an unknown size. The truth is not written: nobody who runs the demo has it.
    """
    write_exports(live(world_config("base", size), DEMO_SEED), folder)


if __name__ == "__main__":
    raise SystemExit(main())
