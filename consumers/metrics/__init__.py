"""A worker's metrics and health over HTTP.

counters.py         counters
exporter.py         collects state at a scrape; gate.py synchronises loop and scrape
health.py           /livez and /readyz
http_server.py      HTTP server
"""
