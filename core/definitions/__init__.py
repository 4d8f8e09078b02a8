"""What to look for, and the life of what was found.

catalogue.py        definitions from TOML; definition.py is one of them, entry_table.py its shape in the file
rules.py            conditions over values, as text; rule_entry.py makes a rule of them,
                    rule_words.py the names its events show, invalidation.py its level
rule_pass.py        asks all rules of a frequency in one kernel: pair by pair, or rule_rows.py where pairs lie
                    side by side; rule_table.py is what both read, comparison.py how a value is seen
watch.py            asks all definitions of a frequency
answers.py          true, false or unknown
lifecycle.py        candidate, open, paused, closed: all lives in one pass (life_pass.py)
detector_translation.py  definitions of earlier releases as rules; entry_text.py writes one down
"""
