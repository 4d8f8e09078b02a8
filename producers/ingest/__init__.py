"""`rotascope produce`: one vendor's websocket into ticks.

cli.py, run.py      the command and its process
session.py          connect, log in, subscribe, read, watch, back off, mark gaps
queue.py            raw messages between reader and pipeline, bounded
pipeline.py         raw messages → ticks → dedup → clock marks → frames
dedup.py, clock.py  repeats dropped; a mark before the first tick of each second
predecessor.py      what the producer before this one sent last
"""
