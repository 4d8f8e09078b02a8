"""`rotascope study`: runs the engine over daily history and prints the results.

cli.py      the commands; options.py the options that several have
inputs.py   flags and files → symbols, pairs and series, checked
running.py  one run of the engine, with a progress bar; events with their base rates
values.py   every indicator of one day
tables.py   terminal tables
report.py   collects the content of a report; report_figures.py and report_page.py render it
"""
