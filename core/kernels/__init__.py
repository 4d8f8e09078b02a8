"""Compilation of kernels, and numerical kernels shared by several rooms.

jit.py              the decorator of every kernel
codes.py            qualities as plain integers, and the day ring's size and mask
interpreted.py      the same kernels as plain Python, for coverage
prefetch.py         prefetches a cache line
rolling.py          sums, means and variances over rings
ew_moments.py       exponentially weighted moments
sorted_window.py    order statistics
cusum.py            cumulative sums of shocks
returns.py          returns between prices of a scale
"""
