"""`python -m tests.chaos`: break things while workers work, and see that nothing is lost."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.local.numba_cache import configure_numba_cache

# Before anything imports Numba, which reads these only once.
for _switch in ("NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"):
    os.environ.pop(_switch, None)
configure_numba_cache(os.environ)

from core.errors import RotascopeError  # noqa: E402
from tests.chaos.cluster import Cluster  # noqa: E402
from tests.chaos.faults import FAULTS  # noqa: E402
from tests.chaos.plan import Planned, full_plan, named_plan, short_plan  # noqa: E402
from tests.chaos.report import Told, print_results, print_summary  # noqa: E402
from tests.chaos.round import Judgement, Result, run_round  # noqa: E402

NOT_EQUAL, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the plan.

    Returns:
        0 when every event was seen, in order, whatever was repeated; 1 when not; 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    if options.list:
        for fault in FAULTS.values():
            print(f"{fault.name:<34} {fault.summary}{' (short form)' if fault.short else ''}")
        return 0
    plan = _plan(options)
    results: list[Result] = []
    failed_rounds = rounds = 0
    interrupted = False
    told = Told(sum(len(planned.faults) for planned in plan))
    try:
        with told, tempfile.TemporaryDirectory(prefix="rotascope-chaos-") as directory:
            told("three brokers start")
            with Cluster(Path(directory) / "kafka") as cluster:
                for planned in plan:
                    rounds += 1
                    place = Path(directory) / f"round-{rounds}"
                    place.mkdir()
                    judgement = _round(cluster, place, planned, told)
                    told.done(len(planned.faults))
                    results += judgement.results
                    failed_rounds += judgement.failed
    except KeyboardInterrupt:
        interrupted = True
        print("stopped; brokers and workers are gone", file=sys.stderr)
    except RotascopeError as error:
        print(error, file=sys.stderr)
        return NOT_EQUAL
    print_results(results)
    print_summary(results, rounds - interrupted, failed_rounds)
    if interrupted:
        return INTERRUPTED
    return NOT_EQUAL if failed_rounds else 0


def _round(cluster: Cluster, directory: Path, planned: Planned, told: Told) -> Judgement:
    told(f"seed {planned.seed}: {len(planned.faults)} faults")
    judgement = run_round(
        cluster,
        directory,
        planned.faults,
        seed=planned.seed,
        tell=told,
    )
    told(f"seed {planned.seed}: {judgement.told}: {judgement.differences}")
    return judgement


def _plan(options: argparse.Namespace) -> list[Planned]:
    if options.fault:
        return named_plan(options.fault, options.seed)
    if options.short:
        return short_plan(options.seed)
    return full_plan(options.rounds, options.faults_each, options.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kill workers and brokers and spoil records on a three-broker cluster while "
        "the tape of 2013-10-08 plays, and compare what a read_committed reader saw with what one "
        "undisturbed worker makes of the same log.",
        epilog="Exit codes: 0 nothing lost; 1 something lost, out of order, or a partition never heard of "
        "again; 130 Ctrl-C.",
    )
    parser.add_argument("--rounds", type=int, default=10, help="rounds, each with a seed of its own")
    parser.add_argument("--faults-each", type=int, default=11, help="faults a round")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; repeatable")
    parser.add_argument("--short", action="store_true", help="one round of the short form's faults")
    parser.add_argument("--list", action="store_true", help="list the faults and exit")
    return parser


if __name__ == "__main__":
    sys.exit(main())
