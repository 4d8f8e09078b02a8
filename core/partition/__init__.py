"""The state of one partition: ticks, seconds, minutes and days.

state.py            the arrays, and how they are allocated
world.py            a partition's instruments, pairs and calendars
ticks.py            adds ticks to open seconds
bars.py             closes seconds and minutes
instrument_days.py  days and closes; instrument_time.py determines when each closes
pair_days.py        the ring of daily closes of a pair
session_clock.py    the session in force
"""
