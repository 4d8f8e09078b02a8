#!/usr/bin/env bash
# Stops the brokers that start.sh started in a directory, each by its own process id.
#
#   usage: deploy/kafka/stop.sh [--data DIR] [--only ID] [--signal TERM|KILL] [--timeout SECONDS]
#
# A pid file whose process does not serve this directory is only removed: another process may have the number.
# Exit status: 0 no broker runs any more, 1 a broker still runs after the time limit, 2 wrong usage.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
source "$here/common.sh"

data=.kafka only='*' signal=TERM timeout_s=20
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "option $1 needs a value" "see the head of $0" 2
  case $1 in
    --data) data=$2 ;;
    --only) only=$2 ;;
    --signal) signal=$2 ;;
    --timeout) timeout_s=$2 ;;
    *) fail "unknown option $1" "see the head of $0" 2 ;;
  esac
  shift 2
done

[ -d "$data" ] || exit 0
data=$(cd "$data" && pwd)

# All brokers get the signal before any is waited for: three combined brokers need each other for a clean stop.
shopt -s nullglob
stopping=()
for file in "$data"/broker-$only/pid; do
  directory=$(dirname "$file")
  if broker_is_running "$directory"; then
    kill -s "$signal" "$(cat "$file")"
    kill -s CONT "$(cat "$file")" # a broker that a test has paused would not receive the first signal
    stopping+=("$directory")
  else
    rm -f "$file"
  fi
done

deadline=$((SECONDS + timeout_s))
for directory in "${stopping[@]}"; do
  while broker_is_running "$directory"; do
    [ "$SECONDS" -lt "$deadline" ] ||
      fail "process $(cat "$directory/pid") of $directory still runs after $timeout_s s" "run this again with --signal KILL"
    sleep 0.05
  done
  rm -f "$directory/pid"
done
