"""What Rotascope computes, in pure rooms, and the two rooms that touch the outside world.

Pure rooms, each importing only those above it:

    model        records, frames, instruments, sessions, settings, errors: the vocabulary of all rooms
    kernels      the compiler's settings and the numerical kernels everybody shares
    partition    the state of one partition: ticks, bars, days, pairs
    indicators   one file a family of values
    definitions  what to look for: catalogue, rules, and the life of an episode
    events       a transition as an event: payload, id, base rates, rarity
    engine       one partition's engine: step, evaluate, snapshot, restore, adopt
    daily        a daily file's bytes as checked rows
    research     the engine over history: studies, base rates, chance, claims

They do no input or output, read neither clock nor environment, and start no thread. Time is always
an argument, so the same records give the same state, events and ids wherever they are run: live,
in a replay, in a study over thirty years, in a test. `tests/test_layering.py` checks it.

Rooms with input and output, which no pure room may import:

    runtime      settings files, the log, exit codes, metrics server, the Numba cache
    kafka        Kafka clients, readers and the translation of their errors
"""
