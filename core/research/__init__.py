"""Runs the engine over history: studies, base rates, chance and claims.

study.py            histories of pairs through the engine
base_rates.py       base rates, using forward_returns.py, bootstrap.py and intervals.py
nulls.py            null histories; rarity.py compares openings with them
claims.py           the ledger of claims; claim_verdicts.py and claim_days.py evaluate them, claim_periods.py
                    finds runs, claim_members.py adds volumes; claim_wording.py and claim_figures.py word them
history.py          validates daily files
"""
