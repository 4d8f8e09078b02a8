"""Apache Kafka: the topics Rotascope needs, and a broker on this machine for tests and trials."""
