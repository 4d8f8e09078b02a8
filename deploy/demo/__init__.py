"""`rotascope demo`: all of Rotascope at work on recorded data, as an operator would run it.

    cli.py           the command and its flags
    orchestrator.py  what is started when, and how all of it ends
    inputs.py        the recording and its history, as files the programs take
    broker.py        the embedded broker, or a real one
    processes.py     the programs as processes of their own
    readings.py      what a user would read: /metrics and the event topics
    story.py         event data as words
    episodes.py      transitions put together into events with a beginning and an end
    progress.py      what there is to show at one moment, and the three ways to show it:
    screen.py        a live screen on a terminal
    lines.py         plain lines, or JSON, elsewhere
    summary.py       what the run came to

The programs are the very commands a user would call; the demo only starts them, reads what they
publish, and ends them.
"""
