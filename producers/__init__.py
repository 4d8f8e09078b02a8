"""The edge that faces the vendors: websockets in, frames of ticks in Kafka out.

    feeds/        what a vendor says, as pure codecs: bytes in, ticks out
    session.py    one websocket: connect, log in, subscribe, read, watch, back off, mark gaps
    queue.py      raw messages between the reader and the pipeline, bounded
    pipeline.py   raw messages → ticks → dedup → clock marks → frames → publisher
    hold.py       what the broker has not acknowledged, per partition, bounded in bytes and age
    holding_publisher.py  frames of a feed to Kafka: held through an outage and sent again in order
    publisher.py  records of one-shot commands to Kafka, with the bytes in flight bounded per partition
    backfill.py   daily history into the log, as baseline records
    cli.py        `rotascope produce …`

Nothing here imports `consumers`.
"""
