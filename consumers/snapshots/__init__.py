"""Snapshots of state in their topic: written in chunks, read, validated and restored.

records.py          a snapshot as Kafka records
log.py, store.py    readers of the topic
checkpoint.py       schedules and writes snapshots
restore.py          selects the snapshot to restore, with fallbacks
"""
