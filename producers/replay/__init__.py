"""Plays recorded trades through a server that speaks a vendor's websocket protocol.

Four steps, each a module: a file becomes a `Recording` (`tick_files`, `bar_paths`, `demo`), a
recording becomes frames of the vendor's wire format (`wire`), a `Player` decides when each frame
goes out and which fault befalls it, and `server` answers clients.
"""
