"""Producers: vendor websockets in, frames of ticks to Kafka out.

    feeds/        vendor protocols as pure codecs: bytes in, ticks out
    ingest/       `rotascope produce`: websocket, queue, dedup, clock marks
    framing/      ticks into frames, and frames to Kafka, buffered during outages
    backfill/     `rotascope backfill`: daily history into the log
    replay/       `rotascope replay`: recorded trades through a vendor's protocol

Nothing here imports `consumers`.
"""
