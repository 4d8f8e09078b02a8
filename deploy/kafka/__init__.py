"""Apache Kafka: Rotascope's topics, and a local broker for tests and trials.

topics.py           the topics file, topics.yaml; topic_changes.py how a cluster differs from it
cluster.py          reads and changes a cluster's topics; cli.py, the commands of `rotascope topics`
generation.py       the steps of a migration to another number of partitions
needs.py            the rights of each command; acls.py and acl_cli.py print them
broker.py           a local broker, with start.sh, stop.sh and install.sh
"""
