"""The claim ledger, computed from supplied files: `rotascope claims`."""
