"""What surrounds the program: a broker on one machine, topics, monitoring, images, manifests.

May import everything. Nothing imports it but the command line and the tests, with one exception:
`deploy.edge`, what both edges share, which imports only `core`.
"""
