"""State in its topic: written in chunks, found, checked and restored.

records.py          a snapshot as Kafka records
log.py, store.py    the topic, read
checkpoint.py       when one is taken
restore.py          which one is used, and what it falls back to
"""
