"""Ticks into frames, and frames to Kafka.

rows.py             fast copies of tick records
framer.py           routes ticks to partitions and cuts frames
outlet.py           interface for sending frames
publisher.py        publisher of one-shot commands
holding_publisher.py  publisher of a feed: keeps frames (hold.py) until acknowledged
sending_thread.py   owns the client of a feed's publisher: sends and resends what is held, in order
"""
