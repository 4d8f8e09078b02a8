#!/usr/bin/env bash
# Installs the programs that the tests need besides Python: Java 17 or newer and Maven (for Apache Kafka), Prometheus with
# promtool, Alertmanager with amtool, and Chromium (for the page of `study report`). Uses apt-get if permitted (root, or
# sudo without a password); otherwise prints what to install.
# Exit status: 0 all present, 2 something is missing and could not be installed.
set -euo pipefail

say() { printf 'rotascope: %s\n' "$*" >&2; }

# "17.0.15", "21", and the old form "1.8.0", which counts as 1.
java_is_new_enough() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${version:-0}" -ge 17 ]
}

# tests/support/browser.py looks for the same names.
has_browser() {
  local name
  for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then return; fi
  done
  return 1
}

# Its own releases call it alertmanager, Debian's package prometheus-alertmanager. tests/support/monitoring.py looks for both.
has_alertmanager() {
  command -v alertmanager >/dev/null || command -v prometheus-alertmanager >/dev/null
}

missing_tools() {
  java_is_new_enough 2>/dev/null || echo java
  local tool
  for tool in mvn prometheus promtool amtool; do
    command -v "$tool" >/dev/null || echo "$tool"
  done
  has_alertmanager || echo alertmanager
  has_browser || echo chromium
}

# Debian has a Chromium without windows, which needs far less beside it.
browser_package() {
  if [ -n "$(apt-cache --quiet=0 madison chromium-headless-shell 2>/dev/null)" ]; then
    echo chromium-headless-shell
  else
    echo chromium
  fi
}

# Debian 12 has Java 17; newer releases have later versions, which also work.
java_package() {
  local package
  for package in openjdk-17-jre-headless openjdk-21-jre-headless openjdk-25-jre-headless; do
    if [ -n "$(apt-cache --quiet=0 madison "$package" 2>/dev/null)" ]; then
      echo "$package"
      return
    fi
  done
  echo default-jre-headless
}

give_up() {
  say "missing for the tests: $*"
  echo "Operator action: install Java 17 or newer, Maven 3.8 or newer, Prometheus (with promtool), Alertmanager (with" \
    "amtool) and Chromium, e.g. on Debian 'apt-get install openjdk-17-jre-headless maven prometheus prometheus-alertmanager" \
    "chromium', and run make test again" >&2
  exit 2
}

mapfile -t missing < <(missing_tools)
[ "${#missing[@]}" -gt 0 ] || exit 0

command -v apt-get >/dev/null || give_up "${missing[@]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || give_up "${missing[@]}"
  as_root=(sudo -n)
fi

say "installing ${missing[*]} with apt-get (once, about half a minute) ..."
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=''
clean_up() {
  rm -f "$log"
  if [ -n "$made_policy" ]; then "${as_root[@]}" rm -f "$policy"; fi
}
trap clean_up EXIT

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    give_up "${missing[@]}"
  }
}

apt update

packages=()
for tool in "${missing[@]}"; do
  case $tool in
    java) packages+=("$(java_package)") ;;
    mvn) packages+=(maven) ;;
    prometheus | promtool) packages+=(prometheus) ;;
    alertmanager | amtool) packages+=(prometheus-alertmanager) ;;
    chromium) packages+=("$(browser_package)") ;;
  esac
done

# Debian's packages start servers on ports 9090 and 9093, at once and at each boot. The tests start their own, on free ports.
if [ ! -e "$policy" ]; then
  made_policy=yes
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi
apt install --yes --no-install-recommends "${packages[@]}"
if [ -d /run/systemd/system ]; then
  for package in prometheus prometheus-alertmanager; do
    if [[ " ${packages[*]} " == *" $package "* ]]; then
      "${as_root[@]}" systemctl disable --quiet "$package.service" || true
    fi
  done
fi

mapfile -t missing < <(missing_tools)
[ "${#missing[@]}" -eq 0 ] || give_up "${missing[@]}"
say "test tools installed"
