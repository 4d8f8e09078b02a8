"""`rotascope events tail` and `rotascope ticks cat`: read the topics.

tail.py             the commands; printing.py prints and counts their lines
event_lines.py      formats an event as a line; tick_lines.py a tick
event_filter.py     which events are printed
tick_continuity.py  gaps and repeats between frames
"""
