"""A worker's metrics and health over HTTP.

counters.py         counters; totals.py adds up those of engines that come and go
last_openings.py    when each pair last opened a definition
exporter.py         collects everything at a scrape; gate.py synchronises loop and scrape
state_copy.py       copies the engines' arrays under the gate
selection.py        which pairs are shown; pair_samples.py, partition_samples.py what of them
health.py           /livez and /readyz
http_server.py      HTTP server
"""
