"""What every program at the edge does alike: settings, files, the log, errors that become exit codes.

    settings.py    file < environment < flags, checked by core
    files.py       texts an operator names, or the ones that come with Rotascope
    artefacts.py   what engines look things up in
    log.py         structlog on standard error
    exit_codes.py  one table from errors to exit codes
    progress.py    a bar to watch, on standard error
    daily_files.py one instrument's daily file, read but not checked

Both edges and the command line import it; it imports nothing but `core`.
"""
