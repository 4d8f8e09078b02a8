"""A transition as an event.

payload.py          the values it carries
events.py           its id, JSON and headers
lookups.py          what an event looks up: base rates, rarity, dated events
artefacts.py        the files those come from; cards.py is one entry
"""
