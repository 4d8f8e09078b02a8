"""Prometheus: what it scrapes, recording rules, alerts, and rules for market events.

prometheus.yml      the configuration; targets/ says where workers, producers and Alertmanager are
rules/              recording rules and alerts; docs/runbook.md has a section for each alert
tests/              promtool's tests of the rules
market_rules.py     rules for market events, out of definitions and pairs; cli.py, `rotascope alerts rules`
"""
