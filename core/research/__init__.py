"""The engine over history: studies, base rates, chance and claims.

study.py            histories of pairs through the engine
base_rates.py       what followed; forward_returns.py, bootstrap.py, intervals.py beneath it
nulls.py            histories of chance; rarity.py compares openings with them
claims.py           the ledger of claims; claim_verdicts.py judges them
history.py          daily files, judged
"""
