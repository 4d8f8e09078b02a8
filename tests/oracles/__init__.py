"""A second opinion on every value: plain Python over the raw files, nothing shared with what it judges.

Prices are fractions, so returns are exact until they become floats once; sums are `math.fsum` in
two passes. Slow on purpose, and none of it may import the programs under test.
"""
