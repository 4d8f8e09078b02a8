"""Definitions: their rules, and the life cycle of their episodes.

catalogue.py        definitions from TOML; definition.py is one of them, digests.py hashes them,
                    entry_table.py is its shape in the file
rules.py            conditions over values, as text; rule_entry.py parses a rule from them,
                    rule_words.py its event names, invalidation.py its invalidation level
rule_pass.py        evaluates all rules of a frequency in one kernel, pair by pair; rule_rows.py does so for
                    contiguous pairs; rule_table.py is their input, comparison.py compares values
watch.py            evaluates all definitions of a frequency
answers.py          their results: true, false or unknown
lifecycle.py        candidate, opened, confirmed, extended, ended: all episodes in one pass (life_pass.py);
                    episode.py is their record
detector_translation.py  definitions of earlier releases as rules; entry_text.py writes one as TOML
"""
