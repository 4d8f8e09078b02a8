"""The pure heart of Rotascope: values and arrays in, values and arrays out.

Nothing here does input or output, reads a clock or the environment, or starts a thread, and
nothing here knows Kafka, websockets or Prometheus: `tests/test_layering.py` checks it. Time is
always an argument. So the same records give the same state, events and ids whenever and
wherever they are run: live, in a replay, in a study over thirty years, in a test.
"""
