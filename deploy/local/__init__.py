"""Rotascope on one machine, without containers: set-up, caches, ports."""
