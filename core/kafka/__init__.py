"""Kafka clients for both edges: how they are made, what they read, what their errors mean.

    clients.py          clients of kafka-python, with the settings everybody shares
    unpacking.py        codecs a client lacks
    errors.py           errors of kafka-python in Rotascope's words; broker_errors.py by error code
    partition_reader.py reads partitions to their end, past an outage

It imports only `core`; no pure room of `core` may import it.
"""
