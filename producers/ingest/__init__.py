"""`rotascope produce`: turns one vendor's websocket stream into ticks.

cli.py, run.py      the command and its process
session.py          logs in, subscribes, reads, detects silence, backs off, marks gaps; connection.py connects
queue.py            bounded queue of raw messages between reader and pipeline
pipeline.py         raw messages → ticks → dedup → clock marks → frames
dedup.py, clock.py  drop repeats; insert a clock mark before the first tick of each second; clock_output.py
                    is what one call of the clock gives
predecessor.py      finds the epoch of the previous producer in the log
"""
