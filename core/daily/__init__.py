"""Daily files as people have them: what kind of file it is, which column is which, what its text means.

`reading` gives one file as a frame; `jumps` and `core.research.history` judge the frame. Nothing here
opens a file.
"""
