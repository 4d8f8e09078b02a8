"""Shared I/O of all programs: files, settings, logging, exit codes, signals.

    settings.py         file < environment < flags
    files.py            files given by the operator, or the packaged ones
    artefact_files.py   base rates, rarity and dated events, from files
    daily_files.py      one instrument's daily file; daily_options.py has the flags
    log.py              configures structlog on standard error
    exit_codes.py       maps errors to exit codes
    metrics_server.py   /metrics, /livez and /readyz over HTTP
    counting.py         counters that another thread may scrape
    signals.py          orderly shutdown on signals
    numba_cache.py      location of compiled kernels
    progress.py         a progress bar on standard error

It imports only `core`; no pure room of `core` may import it.
"""
