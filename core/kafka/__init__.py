"""Kafka for both edges: how clients are made and secured, what they read, what their errors mean.

    security.py           from the settings to what either client is given; preflight.py checks it first
      tls.py              encryption, whom to trust, and why a handshake failed
      oauth.py            tokens for OAUTHBEARER; token_endpoint.py asks for one
      secret_files.py     files of secrets; security_files.py notices replaced ones
      client_properties.py further properties; owned_properties.py those that Rotascope sets itself
    kafka_python.py       kafka-python's configuration; clients.py makes its clients
      connections.py      its connections, with refusals told; errors.py its errors in our words
      unpacking.py        codecs that it lacks
    confluent.py          librdkafka's configuration; confluent_errors.py and confluent_refusals.py its errors
    broker_errors.py      a broker's error numbers, for every client; missing_topics.py
    partition_reader.py   reads partitions without a group, past an outage; topic_reader.py whole topics
    records.py            records read and to be published; dead_letters.py their form for bad input

It imports only `core`; no pure room of `core` may import it.
"""
