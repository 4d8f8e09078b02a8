#!/usr/bin/env bash
# Puts the jars of one Apache Kafka broker into a cache directory and prints that directory.
#
#   usage: deploy/kafka/install.sh
#
# 1. The directory's name ends in a digest of pom.xml: another version never meets the old jars.
# 2. A finished install is marked by a file, so a second call needs neither Maven nor a network.
# 3. A lock keeps two test runs from copying at the same time.
# ROTASCOPE_KAFKA_LIBS names a directory of jars to use instead (an image that brings its own).
# Exit status: 0 installed, 1 the download failed, 2 Java 17 or Maven is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
source "$here/common.sh"

if [ -n "${ROTASCOPE_KAFKA_LIBS:-}" ]; then
  [ -d "$ROTASCOPE_KAFKA_LIBS" ] || fail "ROTASCOPE_KAFKA_LIBS=$ROTASCOPE_KAFKA_LIBS is not a directory" \
    "unset it, or point it at a directory of Kafka jars"
  printf '%s\n' "$ROTASCOPE_KAFKA_LIBS"
  exit 0
fi

command -v java >/dev/null || fail "Java is missing" "install Java 17 or newer (Debian: openjdk-17-jre-headless)" 2

digest=$(sha256sum "$here/pom.xml" | cut -c1-12)
target="${XDG_CACHE_HOME:-$HOME/.cache}/rotascope/kafka-$digest"
mkdir -p "$target"

exec 9>"$target/lock"
flock 9

if [ ! -f "$target/complete" ]; then
  command -v mvn >/dev/null || fail "Maven is missing" "install Maven 3.8 or newer (Debian: maven)" 2
  say "installing Apache Kafka through Maven (once, about ten seconds) ..."
  rm -rf "$target/libs"
  mvn --quiet --batch-mode -Dstyle.color=never --file "$here/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$target/libs" >&2 ||
    fail "Maven could not fetch Apache Kafka" "check the network and Maven's settings.xml, then run this again"
  touch "$target/complete"
  say "installed in $target"
fi
printf '%s\n' "$target/libs"
