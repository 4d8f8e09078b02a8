"""What surrounds the program: Kafka and its topics, a machine's set-up, the demo.

May import everything. Nothing imports it but the command line and the tests.
"""
