"""The consuming edge: Kafka in; events, bars and metrics out. Never imports `producers`."""
