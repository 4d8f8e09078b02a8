"""The shared model: records and frames, instruments and sessions, settings, metrics, errors.

records.py          the NumPy types of ticks, values and events, and the codes in them
frames.py           encoding of a Kafka record: a header and ticks
validation.py       TOML tables as pydantic models, and the wording of every error in them
suggestions.py      the nearest valid name of an unknown one
instruments.py      instruments, pairs and sources; universe_file.py reads them from TOML
routing.py          which partitions an instrument's ticks go to
sessions.py         builds trading calendars: calendar.py, calendar_names.py, exchange_sessions.py
                    (the library) and calendar_overrides.py; windows.py computes windows of sessions
dated_events.py     market events that tag sessions; dated_events_file.py is the shape of their file
scale.py            prices and sizes as integers in each instrument's unit
conditions.py       what a trade may update, from its sale conditions
settings.py         all settings, validated; section.py is the base of a section, kafka_settings.py,
                    kafka_security.py and worker_settings.py the largest ones
topics.py           the names of all topics
metrics.py          all metrics: name, type, unit, labels, help
errors.py           the error tree
"""
