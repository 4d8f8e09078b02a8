"""The engine of one partition: a record in, events and bars out.

engine.py           `PartitionEngine.step`
partition_state.py  all state of a partition
pair_time.py        lets pairs follow their instruments
evaluation.py       families into one matrix, definitions over it
baseline.py         history as records; baseline_session.py applies them
revision.py         takes a day back after a late correction
snapshot.py         state to bytes and back, in sections (sections.py)
adoption.py         changes the definitions of a running engine
samples.py          metrics, read out of the state
"""
