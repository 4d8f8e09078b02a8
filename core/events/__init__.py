"""Builds events from transitions.

payload.py          the values it carries
summary.py          its line for readers; phrases.py has its parts, per_year.py the openings a year
events.py           its id, JSON and headers
lookups.py          interface for base rates, rarity and dated events
artefacts.py        their implementation from files; cards.py has the entries
"""
