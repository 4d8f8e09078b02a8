#!/usr/bin/env bash
# Prints a Python that can create Rotascope's virtual environment: 3.11 or newer, with venv and pip's bootstrap.
# ROTASCOPE_PYTHON names one to use instead. Exit status 2 if there is none.
set -euo pipefail

# 3.11 first: it is what constraints.txt was made with.
for candidate in ${ROTASCOPE_PYTHON:+"$ROTASCOPE_PYTHON"} python3.11 python3.12 python3.13 python3.14 python3 python; do
  # Run it instead of searching: a version manager has shims for versions that are not installed.
  if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    command -v "$candidate"
    exit 0
  fi
done

cat >&2 <<'MESSAGE'
rotascope: no Python 3.11 or newer with venv was found.
Operator action: install one (Debian 12 or newer: apt-get install python3 python3-venv), or name it in ROTASCOPE_PYTHON.
MESSAGE
exit 2
