#!/usr/bin/env bash
# Creates .venv in the checkout with the versions of constraints.txt.
#
#   usage: deploy/local/setup.sh runtime|dev
#
# Called by make, which runs it only when pyproject.toml or constraints.txt is newer than the last success.
# Exit status: 0 ready, 1 an installation failed, 2 no suitable Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1:-} in
  runtime) target=. ;;
  dev) target='.[dev]' ;;
  *) echo "usage: $0 runtime|dev" >&2 && exit 2 ;;
esac

say() { printf 'rotascope: %s\n' "$*" >&2; }

# About sixty packages take a minute. A terminal shows pip's progress in one line; a log file gets only Rotascope's
# lines. pip's full output is in .venv/install.log.
show_progress() {
  if [ -t 2 ]; then
    awk '/^ *(Collecting|Downloading|Using cached|Installing|Building)/ { printf "\r\033[K  %s", substr($0, 1, 76); fflush() }
         END { printf "\r\033[K" }' >&2
  else
    cat >/dev/null
  fi
}

pip_install() {
  .venv/bin/python -m pip install --progress-bar off --disable-pip-version-check --constraint constraints.txt "$@" \
    2>&1 | tee -a .venv/install.log | show_progress || {
    tail -n 15 .venv/install.log >&2
    say "pip could not install $*"
    echo "Operator action: check the network and pip's configuration, then run make again" >&2
    exit 1
  }
}

if [ ! -x .venv/bin/python ]; then
  python=$(deploy/local/find-python.sh)
  say "making .venv with $("$python" --version 2>&1) ..."
  "$python" -m venv .venv
fi

started=$SECONDS
say "installing packages ($(grep -c '==' constraints.txt) pinned, $1 set; half a minute to a few minutes) ..."
# Without build isolation the build tool is also the pinned one.
pip_install setuptools
pip_install --no-build-isolation --editable "$target"
say "packages installed in $((SECONDS - started)) s"

touch .venv/.runtime
if [ "$1" = dev ]; then touch .venv/.dev; fi
