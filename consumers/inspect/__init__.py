"""`rotascope events tail`, `ticks cat` and `values cat`: read the topics.

tail.py             the commands for events and ticks; values.py that for values
reading.py          their options and connection; printing.py prints and counts their lines
event_lines.py      formats an event as a line; tick_lines.py a tick; value_lines.py values
event_filter.py     which events are printed
tick_continuity.py  gaps and repeats between frames
"""
