"""The engine of one partition: records in, events and bars out.

engine.py           `PartitionEngine.step`
partition_state.py  the state of a partition
admission.py        drops repeated and outdated frames, finds missing ones
event_time.py       advances sources, and pairs behind them
pair_time.py        advances pairs after their instruments
pair_values.py      values of all families in one matrix; evaluation.py applies the definitions to them
baseline.py         history as baseline records; baseline_session.py applies them
restatement.py      splits and late corrections of finished days; day_undo.py takes a day back
snapshot.py         serialises state in sections (sections.py)
earlier_episodes.py converts episodes in snapshots of earlier releases
adoption.py         changes the definitions of a running engine
samples.py          metrics read from the state
"""
