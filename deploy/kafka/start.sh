#!/usr/bin/env bash
# Starts one or three Kafka brokers (KRaft, each broker and controller in one process) on the loopback interface.
#
#   usage: deploy/kafka/start.sh [--data DIR] [--brokers 1|3] [--ports 9092,...] [--controller-ports 9192,...]
#                                [--only ID] [--timeout SECONDS]
#
# 1. Install the jars if they are not there (install.sh).
# 2. Write DIR/broker-ID/server.properties and format the storage, for each broker that has none yet.
# 3. Start each broker that is not running; its id goes to DIR/broker-ID/pid, its log to DIR/broker-ID/kafka.log.
# 4. Wait until each port answers. Prints the bootstrap servers.
#
# A directory that exists keeps the ports it was made with, so a restarted broker has the same address.
# --only ID starts just that broker. KAFKA_JVM_OPTIONS replaces the JVM's flags.
# Exit status: 0 all ports answer, 1 a broker ended or the time limit passed, 2 wrong usage or a missing tool.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
source "$here/common.sh"

data=.kafka brokers=1 ports='' controller_ports='' only='' timeout_s=60
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "option $1 needs a value" "see the head of $0" 2
  case $1 in
    --data) data=$2 ;;
    --brokers) brokers=$2 ;;
    --ports) ports=$2 ;;
    --controller-ports) controller_ports=$2 ;;
    --only) only=$2 ;;
    --timeout) timeout_s=$2 ;;
    *) fail "unknown option $1" "see the head of $0" 2 ;;
  esac
  shift 2
done

case $brokers in
  1) ports=${ports:-9092} controller_ports=${controller_ports:-9192} ;;
  3) ports=${ports:-9092,9093,9094} controller_ports=${controller_ports:-9192,9193,9194} ;;
  *) fail "--brokers is $brokers" "use 1 or 3: two controllers have no majority without each other" 2 ;;
esac
IFS=, read -ra port_of <<<"$ports"
IFS=, read -ra controller_port_of <<<"$controller_ports"
if [ "${#port_of[@]}" -ne "$brokers" ] || [ "${#controller_port_of[@]}" -ne "$brokers" ]; then
  fail "$brokers broker(s) need as many --ports and --controller-ports" "give each broker its own two ports" 2
fi

libs=$("$here/install.sh")
mkdir -p "$data"
data=$(cd "$data" && pwd)

# C1 only and the serial collector: a small broker starts in half the time.
# 256 MB of heap is enough for some thousand frames a second, and leaves memory to the tests.
jvm_options=${KAFKA_JVM_OPTIONS:--Xms128m -Xmx256m -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}
read -ra jvm_options <<<"$jvm_options"

voters=''
for ((id = 1; id <= brokers; id++)); do
  voters+="${voters:+,}$id@127.0.0.1:${controller_port_of[id - 1]}"
done

write_properties() {
  local id=$1 directory=$2
  cat <<PROPERTIES
# Written by start.sh. For tests and trials on one machine, never for production.
process.roles=broker,controller
node.id=$id
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:${port_of[id - 1]},CONTROLLER://127.0.0.1:${controller_port_of[id - 1]}
advertised.listeners=PLAINTEXT://127.0.0.1:${port_of[id - 1]}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$directory/data

# A misspelt topic must be an error: topics are only created from topics.yaml.
auto.create.topics.enable=false
default.replication.factor=$brokers
min.insync.replicas=$(((brokers + 1) / 2))

# The internal topics, fitted to the number of brokers; few partitions, since each is created on first use.
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$(((brokers + 1) / 2))
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$(((brokers + 1) / 2))

# A group starts with its first member, and may notice a dead one sooner than the usual six seconds.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000

# After a kill the new process is accepted once the old session has expired: 3 s instead of 9.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500

# The cleaner's table is on the heap: its default of 128 MB is half of it.
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=1
PROPERTIES
}

if [ ! -s "$data/cluster-id" ]; then
  # An id that began with a dash would be taken for an option.
  head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | sed 's/^-/R/' >"$data/cluster-id"
fi
cluster_id=$(cat "$data/cluster-id")

wanted=()
for ((id = 1; id <= brokers; id++)); do
  if [ -z "$only" ] || [ "$only" = "$id" ]; then wanted+=("$id"); fi
done
[ "${#wanted[@]}" -gt 0 ] || fail "--only $only names no broker of 1..$brokers" "give a number within that range" 2

for id in "${wanted[@]}"; do
  directory="$data/broker-$id"
  if [ ! -f "$directory/formatted" ]; then
    mkdir -p "$directory"
    write_properties "$id" "$directory" >"$directory/server.properties"
    java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$here/log4j2.yaml" \
      -cp "$libs/*" kafka.tools.StorageTool format --cluster-id "$cluster_id" \
      --config "$directory/server.properties" >"$directory/format.log" 2>&1 ||
      fail "broker $id: the storage could not be formatted: $(tail -n 3 "$directory/format.log")" "read $directory/format.log"
    touch "$directory/formatted"
  fi
done

for id in "${wanted[@]}"; do
  directory="$data/broker-$id"
  if broker_is_running "$directory"; then continue; fi
  # A session of its own: Ctrl-C at the terminal reaches only the program in the foreground, which stops its brokers.
  setsid java "${jvm_options[@]}" "-Dlog4j2.configurationFile=$here/log4j2.yaml" -cp "$libs/*" \
    kafka.Kafka "$directory/server.properties" >>"$directory/kafka.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$directory/pid"
done

# The port as written in the properties: a directory made earlier keeps its own.
port_in() { sed -n 's|^advertised.listeners=.*:\([0-9]*\)$|\1|p' "$1/server.properties"; }

deadline=$((SECONDS + timeout_s))
servers=''
for id in "${wanted[@]}"; do
  directory="$data/broker-$id"
  port=$(port_in "$directory")
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    is_running "$(cat "$directory/pid")" ||
      fail "broker $id ended while starting: $(tail -n 5 "$directory/kafka.log")" "read $directory/kafka.log; is port $port taken?"
    [ "$SECONDS" -lt "$deadline" ] ||
      fail "broker $id does not answer on port $port after $timeout_s s" "read $directory/kafka.log"
    sleep 0.05
  done
  servers+="${servers:+,}127.0.0.1:$port"
done
printf '%s\n' "$servers"
