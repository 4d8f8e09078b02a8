"""Apache Kafka: Rotascope's topics, and a local broker for tests and trials."""
