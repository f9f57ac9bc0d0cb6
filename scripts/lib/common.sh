# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What the front doors share: where things are, the Debian packages, the build. Sourced, never run.

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# a root shell made by plain su lacks the sbin directories, without which dpkg does not work
PATH=$PATH:/usr/sbin:/sbin
# messages of compilers and tools are read by programs here
export LC_ALL=C.UTF-8
. "$ROOT/scripts/lib/wait.sh"

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# usage: the comment at the top of the program, from its third line.
usage() { sed -n '3,/^[^#]/{ /^# shellcheck /d; s/^# \{0,1\}//p; }' "$0"; }

# Needed to build and run the nodes.
export PACKAGES_BUILD="gcc libc6-dev cmake ninja-build pkg-config libfreediameter-dev libssl-dev libsqlite3-dev
        libosip2-dev libjemalloc-dev libuv1-dev libc-ares-dev libyaml-dev libxml2-dev liblua5.4-dev libmnl-dev libcmocka-dev
        lua5.4 iproute2 procps openssl"
# Needed to fuzz, on top of that.
export PACKAGES_FUZZ="clang libclang-rt-14-dev"
# Needed by the tests on top of that: programs nobody here wrote.
export PACKAGES_TEST="sip-tester tshark freediameterd freediameter-extensions libxml2-utils sqlite3
        clang-format user-mode-linux kmod iptables conntrack tcpdump valgrind
        kamailio kamailio-ims-modules tinyproxy apache2-bin baresip-core curl $PACKAGES_FUZZ"

# packages_missing LIST: the packages of the list that are not installed.
packages_missing() {
        local p
        for p in "$@"; do
                [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || printf '%s ' "$p"
        done
}

# packages_ensure LIST: installs what is missing, or says exactly what to type.
packages_ensure() {
        local missing type service log=$ROOT/build/apt.log
        local sudo=()
        command -v dpkg-query >/dev/null || die "this is not Debian: install the equivalents of these packages by hand," \
                "then run the programs with QUINTET_BIN set: $*"
        # one query for all is fast; the slow loop runs only when something is missing
        [ "$(dpkg-query -W -f '${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -c '^ii')" = "$#" ] && return 0
        missing=$(packages_missing "$@")
        [ -n "$missing" ] || return 0
        type="apt-get update && apt-get install --no-install-recommends $missing"
        if [ "$(id -u)" != 0 ]; then
                command -v sudo >/dev/null || die "packages are missing; type this as root: $type"
                sudo -n true 2>/dev/null || die "packages are missing; type this: sudo sh -c '$type'"
                sudo=(sudo -n)
        fi
        say "installing: $missing"
        build_dir
        # shellcheck disable=SC2086
        { "${sudo[@]}" apt-get update -q &&
                "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
                >"$log" 2>&1 </dev/null || { tail -20 "$log" >&2; die "apt-get failed, see $log; it was: $type"; }
        # Debian starts these at once, on ports of their own choice; tests start their own
        for service in kamailio tinyproxy; do
                [[ " $missing" != *" $service "* ]] || [ ! -d /run/systemd/system ] ||
                        "${sudo[@]}" systemctl disable --now "$service" >>"$log" 2>&1 || true
        done
}

# build_dir: build/ exists and can be written.
build_dir() {
        { mkdir -p "$ROOT/build" && [ -w "$ROOT/build" ]; } 2>/dev/null ||
                die "cannot write in $ROOT/build as $(id -un): build as its owner, or name built programs with QUINTET_BIN"
}

# build PRESET [TARGET...]: configures once and builds; quiet unless something fails. One build at a time.
build() {
        local preset=$1 log=$ROOT/build/build-$1.log
        shift
        build_dir
        if [ ! -f "$ROOT/build/$preset/build.ninja" ]; then
                say "configuring and building ($preset), a minute or so"
                (cd "$ROOT" && flock "build/$preset.lock" cmake --preset "$preset") >"$log" 2>&1 ||
                        { tail -30 "$log" >&2; die "cmake failed for preset $preset, see $log"; }
        fi
        (cd "$ROOT" && flock "build/$preset.lock" cmake --build --preset "$preset" ${1:+--target "$@"}) >"$log" 2>&1 ||
                { grep -E 'error|FAILED|warning' -A5 "$log" | head -60 >&2; die "the build failed, see $log"; }
}
