"""Plays recorded trades through a server that speaks a vendor's websocket protocol.

Four steps, one module each: a file becomes a `Recording` (`tick_files`, `bar_paths`, `demo`), a
recording is encoded as frames of the vendor's wire format (`wire`), a `Player` schedules the frames
and injects faults, and `server` handles clients.
"""
