"""What `make secured` adds to the tests of tests/integration: every mechanism, client, command and right."""
