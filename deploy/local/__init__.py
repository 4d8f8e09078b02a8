"""Rotascope on one machine, without containers: setup, caches, ports."""
