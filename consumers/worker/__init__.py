"""`rotascope consume`: processes ticks to events and bars, and commits offsets.

cli.py, run.py      the command and its process
worker.py           the main loop; duty.py isolates its steps, turns.py schedules requests
intake.py           polls and buffers records
assignment.py       partition assignment; opener.py restores partitions, partition.py is one partition
phase.py            whether a partition publishes; restart_position.py what its commits tell a restart
outbox.py           output produced but not yet committed
committer.py        publishes output and commits offsets, by default in one transaction; commit_wait.py
                    schedules commits, last_commit.py makes that of a stop
silence.py          detects a partition without records although the broker has more
reconnect.py        recreates a client, rejoin.py one that is stuck; broker_watch.py detects outages
"""
