"""Tests. `unit` mirrors the sources, `contract` runs over the registries, `integration` meets real peers."""
