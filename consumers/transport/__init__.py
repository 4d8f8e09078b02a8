"""The worker's interface to a Kafka client, and its two implementations.

seam.py             the `Transport` protocol
registry.py         the clients by name
kafka_python.py     kafka-python: sending; kafka_python_reader.py reading, kafka_python_group.py the group
confluent.py        confluent-kafka: sending; confluent_reader.py reading, confluent_group.py the group
*_transactions.py   a client's transactional producer; *_attempt.py one transaction
named_transactions.py  transactions, created once their id is known
"""
