"""What surrounds the program: a broker on one machine, topics, monitoring, images, manifests.

May import everything; nothing imports it but the command line and the tests.
"""
