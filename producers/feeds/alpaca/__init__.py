"""Alpaca's market data stream.

feed.py             the protocol: login, subscription, confirmation
messages.py         converts a batch of messages to ticks, using rows.py and lookups.py
wire.py             the message types
refusals.py         refused items with their reasons
"""
