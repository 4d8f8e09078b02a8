"""Makes the demo's set of base rates and rarity anew: `python -m deploy.demo.artefacts`.

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

from core.runtime.artefact_files import DEMO_ARTEFACTS
from core.runtime.sources import CORE
from deploy.demo.inputs import read_inputs
from producers.replay.demo import LAST_HISTORY_DAY

FILE: Final = CORE / "data" / DEMO_ARTEFACTS
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


def main(arguments: Sequence[str]) -> int:
    """Write the set to its place in the package, or to the file that is named.

    Returns:
        Exit code.
    """
    store = Path(arguments[0]) if arguments else FILE
    with tempfile.TemporaryDirectory(prefix="rotascope-demo-artefacts-") as directory:
        words = [*prepare_arguments(Path(directory), store), "--cache", str(CACHE)]
        # Runs this interpreter and command line with arguments built here.
        return subprocess.run([sys.executable, "-m", "rotascope", *words], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
