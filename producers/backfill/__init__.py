"""`rotascope backfill`: publishes daily history to Kafka.

cli.py              the commands
baseline.py         history as baseline records in the ticks log
bars.py             history as day bars
history.py          history files of instruments
control_log.py      control records, framed and routed
instruments.py      the topic of instruments and their scales
log_reader.py       reads a topic to its end
"""
