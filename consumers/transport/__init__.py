"""What a worker asks of a Kafka client, and the two clients that do it.

seam.py             the `Transport` protocol
registry.py         the clients by name
kafka_python.py     kafka-python, with its parts kafka_python_*.py
confluent.py        confluent-kafka, with its parts confluent_*.py
named_transactions.py  transactions, made once their id is known
"""
