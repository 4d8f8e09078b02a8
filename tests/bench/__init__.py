"""Benchmarks: programs that print figures with their conditions. `python -m tests.bench --help`.

No figure is asserted: a slow machine is no defect. Each stands beside its goal where there is one,
and beside a peer measured in the same run where a ratio says more than a number.
"""
