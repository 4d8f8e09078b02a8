"""`rotascope demo`: runs all of Rotascope on recorded data, as an operator would.

    cli.py           the command and its flags
    orchestrator.py  starts the programs in order and shuts them down
    inputs.py        the recording and its history, as input files of the programs
    broker.py        the embedded broker, or a real one
    processes.py     the programs as separate processes
    readings.py      reads /metrics and the event topics
    story.py         formats event data as text
    time_order.py    puts events of several partitions in time order
    episodes.py      groups transitions into episodes
    progress.py      the state to show, and the three views:
    screen.py        a live screen on a terminal; board.py its table of values, fitting.py what fits it
    lines.py         plain lines, or JSON, elsewhere
    summary.py       summary of the run

The programs are the same commands that a user runs; the demo only starts them, reads what they
publish, and stops them.
"""
