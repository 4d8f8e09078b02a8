"""Makes the demo's set of base rates and rarity anew: `python -m deploy.demo.artefacts [--check]`.

Needed whenever a definition of the catalogue gets another version, because cards are found by version. The
figures are computed from the shipped closes up to the day before the recording.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from core.events.artefact_set import ArtefactSet
from core.runtime.artefact_files import DEMO_ARTEFACTS, demo_set
from core.runtime.sources import CORE
from deploy.demo.inputs import read_inputs
from producers.replay.demo import LAST_HISTORY_DAY

FILE: Final = CORE / "data" / DEMO_ARTEFACTS
_NAMED: Final = 5
CACHE: Final = CORE.parent / "build" / "demo-artefacts"


def prepare_arguments(directory: Path, store: Path) -> list[str]:
    """Return the arguments of `rotascope` that make the set.

    Args:
        directory: Where the shipped closes are written as daily files.
        store: File of the set.
    """
    arguments = ["study", "prepare", "--store", str(store)]
    arguments += ["--from", (LAST_HISTORY_DAY + timedelta(days=1)).isoformat()]
    for symbol, file in read_inputs(None).write_history(directory).items():
        arguments += ["--history", f"{symbol}={file}"]
    return arguments


def difference(made: ArtefactSet, shipped: ArtefactSet) -> str | None:
    """Say how a set that was made again differs from the shipped one; None if it does not."""
    if made.digest == shipped.digest:
        return None
    pairs = (made.rates.cards, shipped.rates.cards), (made.rarities.cards, shipped.rarities.cards)
    keys = sorted(
        key for own, other in pairs for key in own.keys() | other.keys() if own.get(key) != other.get(key)
    )
    some = ", ".join(" ".join(key) for key in keys[:_NAMED])
    return f"{len(keys)} of the cards differ: {some}"


def main(arguments: Sequence[str]) -> int:
    """Write the set to its place in the package; with `--check`, compare one made again with it.

    Returns:
        Exit code; 1 if the sets differ.
    """
    check = list(arguments) == ["--check"]
    with tempfile.TemporaryDirectory(prefix="rotascope-demo-artefacts-") as directory:
        store = Path(directory) / DEMO_ARTEFACTS if check else FILE
        words = prepare_arguments(Path(directory), store)
        # A check computes everything: what the cache keeps is from the code of its day.
        words += ["--cache", str(Path(directory) / "cache" if check else CACHE)]
        # Runs this interpreter and command line with arguments built here.
        code = subprocess.run([sys.executable, "-m", "rotascope", *words], check=False).returncode  # noqa: S603
        if code != 0 or not check:
            return code
        found = difference(ArtefactSet.parse(store.read_bytes()), demo_set())
    if found is not None:
        print(f"error: {found}\nOperator action: make demo-artefacts", file=sys.stderr)
        return 1
    print(f"rotascope: {DEMO_ARTEFACTS} is what 'rotascope study prepare' makes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
