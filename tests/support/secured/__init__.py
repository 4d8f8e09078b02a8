"""A secured Apache Kafka broker for tests, and what its clients need to log in.

certificates.py  a certificate authority and what it signs: for brokers and clients, expired, of another host
token_server.py  the endpoints of an identity provider: token (client credentials grant) and JWKS
users.py         who may log in, and how
listeners.py     a listener for each way in
broker.py        one broker, whose authorizer lets nobody do anything without a right
rights.py        gives a user exactly the rights of `kafka-acls.sh` lines
bare_clients.py  settings of the two Kafka clients, without any code of Rotascope's

product.py         Rotascope's own settings for the broker, in files
operator.py        gives a command the rights that are printed for it, then runs it
rounds.py          every command in turn, and what it should say
refusals.py        what a cluster refuses, and what is told of it
missing_rights.py  takes one right of a command away
counting_proxy.py  counts connections
"""
