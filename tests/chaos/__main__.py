"""`python -m tests.chaos`: break things while workers work, and see that nothing is lost or doubled."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.runtime.numba_cache import configure_numba_cache

# Before anything imports Numba, which reads it only once.
os.environ.pop("NUMBA_DISABLE_JIT", None)
configure_numba_cache(os.environ)

from core.model.errors import RotascopeError  # noqa: E402
from tests.chaos.cluster import Cluster  # noqa: E402
from tests.chaos.faults import FAULTS  # noqa: E402
from tests.chaos.fleet import Manner  # noqa: E402
from tests.chaos.mutations import MUTATIONS, Mutation  # noqa: E402
from tests.chaos.plan import Round, Turn, full_plan, named_plan, outage_plan, short_plan  # noqa: E402
from tests.chaos.report import Told, print_mutations, print_results, print_summary, told_of  # noqa: E402
from tests.chaos.round import Judgement, Result, run_round  # noqa: E402
from tests.chaos.warm import warm_up  # noqa: E402

NOT_EQUAL, INTERRUPTED = 1, 130
KAFKA_PYTHON = "kafka-python"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the plan.

    Returns:
        0 when every event was seen once and in order; 1 when not; 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    if options.list:
        for fault in FAULTS.values():
            print(f"{fault.name:<34} {fault.summary}{' (short form)' if fault.short else ''}")
        for mutation in MUTATIONS.values():
            print(f"mutation {mutation.name:<25} {mutation.rule}; shown by {mutation.fault}")
        return 0
    told = Told()
    try:
        with told, _directory(options.keep) as directory:
            told("three brokers start")
            warm_up()
            with Cluster(directory / "kafka") as cluster:
                arranged = Arranged(cluster, directory, told, _manner(options))
                if options.mutations:
                    return NOT_EQUAL if _mutations(arranged, options.seed) else 0
                return _rounds(arranged, _plan(options), options.mutation)
    except RotascopeError as error:
        print(error, file=sys.stderr)
        return NOT_EQUAL


@dataclass(frozen=True)
class Arranged:
    """What every round needs.

    Args:
        cluster: Three brokers.
        directory: Of the whole run.
        told: Takes what is being done.
        manner: Of the workers.
    """

    cluster: Cluster
    directory: Path
    told: Told
    manner: Manner

    def run(self, turns: Round, mutations: Sequence[str] = ()) -> Judgement:
        """One round; one that breaks is a judgement, too."""
        told = self.told
        told(f"seed {turns[0].seed}: {len(turns)} faults")
        place = Path(tempfile.mkdtemp(prefix="round-", dir=self.directory))
        try:
            judgement = run_round(
                self.cluster, place, turns, manner=self.manner, mutations=mutations, tell=told
            )
        except Exception as error:
            # One round that goes wrong in an unforeseen way must still leave the others, and say where.
            traceback.print_exc()
            problem = "".join(traceback.format_exception_only(error)).strip()
            first = turns[0]
            judgement = Judgement((Result(first.fault.name, first.seed, None, 0.0, problem, True),))
        ticks = "" if judgement.ticks is None else f"; {judgement.ticks}"
        told(f"{judgement.told}: {judgement.differences}{ticks}")
        for each in judgement.results:
            told(f"seed {each.seed}: {told_of(each)}")
        return judgement


def _rounds(arranged: Arranged, plan: list[Round], mutations: Sequence[str]) -> int:
    results: list[Result] = []
    broken = rounds = 0
    interrupted = False
    waiting = deque(plan)
    arranged.told.total(sum(map(len, plan)))
    try:
        while waiting:
            turns = waiting.popleft()
            judgement = arranged.run(turns, mutations)
            rounds += 1
            results += judgement.results
            broken += judgement.failed
            arranged.told.done(len(judgement.results))
            # A fault that goes wrong ends its round; those behind it have one of their own.
            if rest := turns[max(1, len(judgement.results)) :]:
                waiting.append(rest)
    except KeyboardInterrupt:
        interrupted = True
        print("stopped; brokers and workers are gone", file=sys.stderr)
    print_results(results)
    print_summary(results, rounds, broken)
    if interrupted:
        return INTERRUPTED
    return NOT_EQUAL if broken else 0


def _mutations(arranged: Arranged, seed: int) -> int:
    """Take one rule out after the other, and see what the oracle says; how many it does not notice."""
    found: dict[Mutation, Judgement] = {}
    for mutation in MUTATIONS.values():
        arranged.told(f"without the rule: {mutation.rule}")
        found[mutation] = arranged.run((Turn(seed, FAULTS[mutation.fault]),), [mutation.name])
    print_mutations(found)
    return sum(not judgement.differs for judgement in found.values())


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="rotascope-chaos-") as directory:
        yield Path(directory)


def _manner(options: argparse.Namespace) -> Manner:
    by_group = not options.at_least_once
    return Manner(in_group=by_group, exactly_once=by_group, client=options.client)


def _plan(options: argparse.Namespace) -> list[Round]:
    if options.fault:
        return named_plan(options.fault, options.seed)
    faults = [fault for fault in FAULTS.values() if options.client == KAFKA_PYTHON or not fault.inside]
    if options.outage:
        return outage_plan(options.seed)
    if options.short:
        return short_plan(faults, options.seed)
    return full_plan(faults, options.seeds, options.faults_each, options.seeds_a_round, options.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kill, freeze and starve workers, brokers and producers on a three-broker cluster while "
        "the tape of 2013-10-08 plays, and compare what a read_committed reader saw with what one "
        "undisturbed worker makes of the same log.",
        epilog="Exit codes: 0 equal; 1 something lost, doubled, out of order, or a partition never heard of "
        "again; 130 Ctrl-C.",
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--faults-each", type=int, default=11, help="faults a seed")
    parser.add_argument("--seeds-a-round", type=int, default=2, help="then topics and workers are made anew")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; repeatable")
    parser.add_argument("--short", action="store_true", help="one round of the short form's faults")
    parser.add_argument("--outage", action="store_true", help="the long outages: of 2 and of 10 minutes")
    parser.add_argument("--list", action="store_true", help="list faults and mutations, and exit")
    parser.add_argument("--keep", type=Path, help="directory to make, for the logs of workers and brokers")
    parser.add_argument(
        "--client",
        choices=[KAFKA_PYTHON, "confluent"],
        default=KAFKA_PYTHON,
        help="the library behind the workers' transport; what must reach into kafka-python is left out",
    )
    parser.add_argument(
        "--at-least-once", action="store_true", help="without transactions: the suite must show repeats"
    )
    parser.add_argument(
        "--mutations", action="store_true", help="take each rule out in turn: the oracle must notice"
    )
    parser.add_argument(
        "--mutation", action="append", default=[], choices=list(MUTATIONS), help="take this rule out"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
