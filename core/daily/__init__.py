"""Reads daily files in the forms that users have: detects file format, columns and notation.

`reading` converts one file to a frame; `jumps` and `core.research.history` validate the frame. Nothing
here opens a file.
"""
