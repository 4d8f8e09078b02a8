"""The edge that faces the vendors: websockets in, frames of ticks in Kafka out.

    feeds/        what a vendor says, as pure codecs: bytes in, ticks out
    ingest/       `rotascope produce`: websocket, queue, dedup, clock marks
    framing/      ticks into frames, and frames to Kafka through an outage
    backfill/     `rotascope backfill`: daily history into the log
    replay/       `rotascope replay`: recorded trades through a vendor's protocol

Nothing here imports `consumers`.
"""
