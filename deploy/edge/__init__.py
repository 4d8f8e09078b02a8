"""What every program at the edge does alike: settings, files, the log, errors that become exit codes.

    settings.py    file < environment < flags, checked by core
    files.py       texts an operator names, or the ones that come with Rotascope
    log.py         structlog on standard error
    exit_codes.py  one table from errors to exit codes

Both edges and the command line import it; it imports nothing but `core`.
"""
