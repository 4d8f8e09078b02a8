"""The state of one partition, from a tick to its day.

state.py            the arrays, and how they are allocated
world.py            a partition's instruments, pairs and calendars
ticks.py            ticks into open seconds
bars.py             seconds and minutes
instrument_days.py  days and closes; instrument_time.py decides when each closes
pair_days.py        the ring of daily closes of a pair
session_clock.py    which session is in force
"""
