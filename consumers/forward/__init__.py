"""`rotascope events forward`: posts events to a web address, at least once, in order for each pair.

cli.py              the command; run.py runs it as a program
forwarder.py        the loop: read, hand out, collect, commit
  group_reader.py   the event topics as a member of a consumer group (assignment.py notes its changes)
  reconnecting.py   connects, and recreates a client that is stuck
  admission.py      which records are posted; places.py what may be committed
  dead_letters.py   what cannot be delivered
lanes.py            order within a pair, waits between attempts
  posting.py        threads that post; webhook.py one connection
  verdicts.py       what an answer means; attempts.py what follows from it
messages.py         an event as an HTTP message; signing.py its signature
destination.py      which addresses are accepted
counters.py, exporter.py, health.py   metrics and probes
"""
