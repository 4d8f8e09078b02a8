"""Grafana dashboards as code: a module a dashboard, the generated JSON in `dashboards/`, provisioning files.

`make dashboards` writes the JSON anew. `board.py` assembles a dashboard, `panels.py` and `tables.py` build
panels, `scales.py` holds what a colour or a number means, `promql.py` writes selectors. Queries may name only
metrics of `core/model/metrics.py`. The builders come from grafana-foundation-sdk, which is needed to
generate the JSON and not to use it.
"""
