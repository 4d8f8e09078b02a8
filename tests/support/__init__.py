"""What several tests need: recorded data, a Kafka broker, ports."""
