"""What every program needs of its machine: files, settings, the log, exit codes, signals.

    settings.py         file < environment < flags
    files.py            text an operator names, or the copy that ships with Rotascope
    artefact_files.py   base rates, rarity and dated events, from files
    daily_files.py      one instrument's daily file; daily_options.py has the flags
    log.py              structlog on standard error
    exit_codes.py       one table from errors to exit codes
    metrics_server.py   /metrics, /livez and /readyz over HTTP
    counting.py         counters that a scrape can read from another thread
    signals.py          signals into an orderly end
    numba_cache.py      where compiled kernels are kept
    progress.py         a progress bar on standard error

It imports only `core`; no pure room of `core` may import it.
"""
