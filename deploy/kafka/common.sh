# shellcheck shell=bash
# Shared by install.sh, start.sh and stop.sh. Sourced, never run.

# Everything goes to stderr, so that a script's stdout stays a result another program can read.
say() { printf 'kafka: %s\n' "$*" >&2; }

fail() {
  say "$1"
  if [ $# -gt 1 ]; then printf 'Operator action: %s\n' "$2" >&2; fi
  exit "${3:-1}"
}

# True while the process with this id runs. A zombie counts as ended: in a container it may never be reaped.
is_running() {
  local pid=$1 state
  kill -0 "$pid" 2>/dev/null || return 1
  if [ -r "/proc/$pid/stat" ]; then
    state=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)
    [ "$state" != Z ]
  fi
}

# True when the pid file of this broker directory names a running process that serves this directory: after a
# crash another process may have the number.
broker_is_running() {
  local directory=$1 pid
  [ -s "$directory/pid" ] || return 1
  pid=$(cat "$directory/pid")
  is_running "$pid" || return 1
  if [ -r "/proc/$pid/cmdline" ]; then
    tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF "$directory/server.properties"
  else
    ps -o command= -p "$pid" | grep -qF "$directory/server.properties"
  fi
}
