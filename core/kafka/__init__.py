"""Kafka for both edges: how clients are made and secured, what they read, what their errors mean.

    security.py           from the settings to what either client is given; preflight.py checks it first
      tls.py              encryption, trusted authorities, and why a handshake failed
      oauth.py            tokens for OAUTHBEARER; token_endpoint.py asks for one
      secret_files.py     files of secrets; security_files.py notices replaced ones
      client_properties.py further properties; owned_properties.py those that Rotascope sets itself
    kafka_python.py       kafka-python's configuration; clients.py makes and closes its clients
      connections.py      its connections, which raise refusals; errors.py converts its errors
      unpacking.py        codecs that it lacks
    confluent.py          librdkafka's configuration; confluent_clients.py makes and closes its clients
      confluent_errors.py, confluent_refusals.py  its errors; confluent_rights.py topics it may not write to
    broker_errors.py      a broker's error numbers, for every client; missing_topics.py
    partition_reader.py   reads partitions without a group, past an outage (reader_connection.py);
                          topic_reader.py whole topics
    records.py            records read and to be published; dead_letters.py their form for bad input

It imports only `core`; no pure room of `core` may import it.
"""
