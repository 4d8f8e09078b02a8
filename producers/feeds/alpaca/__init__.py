"""Alpaca's market data stream.

feed.py             the protocol: log in, subscribe, confirm
messages.py         a batch of messages as ticks; rows.py and lookups.py beneath it
wire.py             the message types
refusals.py         what is refused, with its reason
"""
