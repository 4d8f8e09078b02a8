"""The state of one partition: ticks, seconds, minutes and days.

state.py            the arrays, and how they are allocated
world.py            a partition's instruments, pairs and calendars
ticks.py            applies the records of a frame
trades.py           adds one trade to its open second
seconds.py          closes seconds
bars.py             closes minutes
instrument_days.py  days and closes; instrument_time.py determines when each closes
pair_days.py        the ring of daily closes of a pair
session_clock.py    the session in force
"""
