"""A worker's metrics and health over HTTP.

counters.py         what is counted
exporter.py         the state at a scrape; gate.py keeps loop and scrape apart
health.py           /livez and /readyz
http_server.py      serves them
"""
