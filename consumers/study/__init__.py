"""`rotascope study`: the engine over daily history, and what people read of it.

cli.py      the commands and their options
inputs.py   flags and files → symbols, pairs and series, checked
running.py  one run of the engine, with a bar to watch; events with their base rates
values.py   every indicator of one day
tables.py   what a terminal shows
report.py   what a report shows, gathered; report_figures.py and report_page.py draw and write it
"""
