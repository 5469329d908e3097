"""Back to an earlier publication: what readers open is one link, moved in one step.

The next run that finds something new publishes again and makes that current; fix what was wrong before it does.
"""

from __future__ import annotations

import argparse
import sys

from orchestration.publication import current_publication, finished_publications, switch_to
from orchestration.settings import Settings


class RollbackError(ValueError):
    """There is nothing to go back to; says what is kept."""


def main() -> int:
    """Switch, and print what readers see now and what else is kept."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.rollback", description=__doc__)
    parser.add_argument("publication", nargs="?", help="id of a kept publication; without one, the one before")
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    try:
        target = roll_back(settings, arguments.publication)
    except RollbackError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Readers see {target} now. Kept: {', '.join(finished_publications(settings))}")
    return 0


def roll_back(settings: Settings, publication_id: str | None = None) -> str:
    """Make the named publication current, or the newest one before the current; its id."""
    kept = finished_publications(settings)
    current = current_publication(settings)
    if current is None:
        raise RollbackError("nothing is published yet")
    if publication_id is None:
        earlier = [name for name in kept if name < current.publication_id]
        if not earlier:
            raise RollbackError(f"no publication before {current.publication_id} is kept")
        publication_id = earlier[-1]
    if publication_id not in kept:
        raise RollbackError(f"{publication_id} is not kept; there are {', '.join(kept)}")
    switch_to(settings, publication_id)
    return publication_id


if __name__ == "__main__":
    sys.exit(main())
