"""The vocabulary of all rooms: records and frames, instruments and sessions, settings, metrics, errors.

records.py          the NumPy types of ticks, values and events, and the codes in them
frames.py           a Kafka record's bytes: a header and ticks
instruments.py      what is watched; universe_file.py reads it from TOML
sessions.py         trading calendars; windows.py counts in their sessions
scale.py            prices and sizes as integers of each instrument's own unit
conditions.py       what a trade's sale conditions allow it to update
settings.py         every setting, checked
metrics.py          every metric: name, type, unit, labels, help
errors.py           one tree of errors
"""
