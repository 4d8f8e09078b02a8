"""Alpaca's market data stream.

settings.py         its section of the settings: URL, credentials, codec
feed.py             the protocol: login, subscription, confirmation
errors.py           the vendor's error codes, and the reaction to each
messages.py         converts a batch of messages to ticks, using rows.py and lookups.py
wire.py             the message types
refusals.py         refused items with their reasons
"""
