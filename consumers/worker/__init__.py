"""`rotascope consume`: the loop from ticks to events, bars and offsets.

cli.py, run.py      the command and its process
worker.py           the loop; duty.py isolates its steps, turns.py paces them
intake.py           polls and steps
assignment.py       partitions come and go; opener.py restores them, partition.py is one of them
outbox.py           what has been produced and not yet committed
committer.py        output and offsets in one transaction; position.py is the committed place
silence.py          a partition that stays silent though the broker has more
reconnect.py        a new client in place of one that is not answered; broker_watch.py asks the broker
"""
