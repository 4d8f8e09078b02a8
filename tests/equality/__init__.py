"""Do two commits say the same? `python -m tests.equality BASE HEAD` runs both over the same history and logs.

Nothing here imports the product: the checkouts that are compared may lay it out in different ways.
"""
