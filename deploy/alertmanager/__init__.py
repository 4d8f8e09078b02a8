"""Alertmanager: who is told of what. alertmanager.yml is the configuration."""
