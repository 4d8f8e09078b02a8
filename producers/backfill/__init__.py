"""`rotascope backfill`: daily history into Kafka.

cli.py              the commands
baseline.py         history as baseline records in the ticks log
bars.py             history as day bars
history.py          which files, for which instruments
control_log.py      control records, framed and routed
instruments.py      the topic of instruments and their scales
log_reader.py       a topic read to its end
"""
