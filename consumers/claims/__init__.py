"""`rotascope claims`: the claim ledger, computed from supplied files."""
