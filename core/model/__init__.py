"""The shared model: records and frames, instruments and sessions, settings, metrics, errors.

records.py          the NumPy types of ticks, values and events, and the codes in them
frames.py           encoding of a Kafka record: a header and ticks
instruments.py      instruments, pairs and sources; universe_file.py reads them from TOML
sessions.py         trading calendars; windows.py computes windows of sessions
scale.py            prices and sizes as integers in each instrument's unit
conditions.py       what a trade may update, from its sale conditions
settings.py         all settings, validated
topics.py           the names of all topics
metrics.py          all metrics: name, type, unit, labels, help
errors.py           the error tree
"""
