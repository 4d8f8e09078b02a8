"""`python -m tests.equality BASE [HEAD]`: do two commits say the same?

Both are run over the same input, each in a git worktree of its own, in this virtual environment:

    study      35 years of daily files and all pairs of the study bench, through `rotascope study events`
    demo       the demo's eight days behind 35 years of closes
    real-day   every trade of four stocks on 2013-10-08
    rich       short sessions with corrections, halts, gaps and records that cannot be used

What may differ is stated in `tests/equality/fields.py`. The result goes to standard output, progress to
standard error. Status 1: something differs. 2: a commit could not be run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.equality.checkouts import Checkout, CheckoutError, check_out, default_folder
from tests.equality.comparison import Comparison, compare, fields_that_differ
from tests.equality.fields import KINDS
from tests.equality.runs import RUNS, Records, compile_kernels, read_records
from tests.support.shared_data import shared_data

MOST_SHOWN: Final = 10
"""Differences shown of one run and kind of record."""
_ANY_FILE: Final = "daily/RUT.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two commits.

    Returns:
        0 where nothing differs, 1 where something does, 2 where a commit could not be run.
    """
    options = _parser().parse_args(arguments)
    data = shared_data(_ANY_FILE).resolve().parents[1]
    try:
        folder = options.folder.resolve()
        sides = [check_out(each, folder) for each in (options.base, options.head)]
        for side in sides:
            _progress(f"{side.name}: kernels")
            compile_kernels(side, data)
        equal = True
        for name in options.only or RUNS:
            paths = [folder / f"{name}-{role}.jsonl" for role in ("base", "head")]
            base, head = (_run(name, side, data, path) for side, path in zip(sides, paths, strict=True))
            for line, same in report(name, base, head, expected=options.expected):
                print(line, flush=True)
                equal &= same
    except CheckoutError as error:
        _progress(str(error))
        return 2
    but = f" but for {', '.join(options.expected)}" if options.expected else ""
    print(f"nothing differs{but}" if equal else f"NOT EQUAL{but}")
    return 0 if equal else 1


def report(
    name: str, base: Records, head: Records, *, expected: Sequence[str] = ()
) -> Iterator[tuple[str, bool]]:
    """Compare what two commits said in one run.

    Args:
        name: Of the run.
        base: Its records in one commit.
        head: Its records in the other.
        expected: Paths of fields that are known to differ between these two.

    Yields:
        A line to print, and whether it is one of a kind in which nothing differs.
    """
    for each in KINDS:
        kind = replace(each, ignored=(*each.ignored, *expected))
        compared = compare(kind, base[kind.name], head[kind.name])
        if not compared.base and not compared.head:
            yield f"{name:<10} {kind.name:<13} none", True
            continue
        for line in _lines(name, compared):
            yield line, compared.equal


def _lines(name: str, compared: Comparison) -> Iterator[str]:
    count = (
        f"{compared.base:,}" if compared.base == compared.head else f"{compared.base:,} → {compared.head:,}"
    )
    digests = compared.base_digest
    if compared.head_digest != compared.base_digest:
        digests += f" → {compared.head_digest}"
    versions = f", {compared.versioned:,} of another version" if compared.versioned else ""
    yield (
        f"{name:<10} {compared.kind.name:<13} {count:>9}, {len(compared.differences):,} differ{versions}, "
        f"digest {digests}"
    )
    for path, number in fields_that_differ(compared).most_common():
        yield f"    {path}: {number:,}"
    for difference in compared.differences[:MOST_SHOWN]:
        yield f"    {difference}"
    if len(compared.differences) > MOST_SHOWN:
        yield f"    and {len(compared.differences) - MOST_SHOWN:,} more"
    if compared.moved:
        yield f"    {compared.moved:,} stand in another order"


def _run(name: str, side: Checkout, data: Path, path: Path) -> Records:
    started_s = time.monotonic()
    _progress(f"{side.name}: {name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    RUNS[name](side, data, path)
    _progress(f"{side.name}: {name} took {time.monotonic() - started_s:.0f} s")
    return read_records(path)


def _parser() -> argparse.ArgumentParser:
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.equality",
        description=summary.partition(": ")[2],
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = "a commit, branch or tag; or a directory, taken as it is"
    parser.add_argument("base", metavar="BASE", help=what)
    parser.add_argument("head", metavar="HEAD", nargs="?", default="HEAD", help=f"{what} [HEAD]")
    parser.add_argument("--only", nargs="+", choices=list(RUNS), metavar="RUN", help=", ".join(RUNS))
    parser.add_argument(
        "--expected",
        nargs="+",
        default=(),
        metavar="FIELD",
        help="fields known to differ between these two, such as data.provenance.calendars; left out",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=default_folder(),
        help="where worktrees and results are kept for the next run [%(default)s]",
    )
    return parser


def _progress(text: str) -> None:
    print(f"rotascope: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
