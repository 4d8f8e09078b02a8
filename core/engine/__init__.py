"""The engine of one partition: records in, events and bars out.

engine.py           `PartitionEngine.step`
partition_state.py  the state of a partition
admission.py        drops repeated and outdated frames, finds missing ones
event_time.py       advances sources, and pairs behind them
pair_time.py        advances pairs after their instruments
evaluation.py       values of all families in one matrix, evaluated by definitions
baseline.py         history as baseline records; baseline_session.py applies them
revision.py         recomputes a day after a late correction
snapshot.py         serialises state in sections (sections.py)
adoption.py         changes the definitions of a running engine
samples.py          metrics read from the state
"""
