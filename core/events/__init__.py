"""Builds events from transitions.

payload.py          the values it carries; summary.py its line for readers; per_year.py how often it opens
events.py           its id, JSON and headers
lookups.py          interface for base rates, rarity and dated events
artefacts.py        their implementation from files; cards.py has the entries
"""
