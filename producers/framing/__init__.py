"""Ticks into frames, and frames to Kafka.

rows.py             columns of ticks
framer.py           routes ticks to partitions and cuts frames
outlet.py           what a frame is handed to
publisher.py        records of one-shot commands
holding_publisher.py  frames of a feed: kept (hold.py) until acknowledged, sent again in order
"""
