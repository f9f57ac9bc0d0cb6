# SPDX-License-Identifier: BSD-3-Clause
# What the front doors share: where things are, the Debian packages, the build. Sourced, never run.

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Needed to build and run the nodes.
PACKAGES_BUILD="gcc libc6-dev cmake ninja-build pkg-config libfreediameter-dev libssl-dev libsqlite3-dev
        libosip2-dev libuv1-dev libc-ares-dev libyaml-dev libxml2-dev liblua5.4-dev libcmocka-dev lua5.4
        iproute2 procps"
# Needed by the tests on top of that: programs nobody here wrote.
PACKAGES_TEST="sip-tester tshark freediameterd freediameter-extensions openssl libxml2-utils sqlite3 clang
        libclang-rt-14-dev"

# packages_missing LIST: the packages of the list that are not installed.
packages_missing() {
        local p
        for p in "$@"; do
                [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || printf '%s ' "$p"
        done
}

# packages_ensure LIST: installs what is missing, or says exactly what to type.
packages_ensure() {
        local missing sudo=""
        # one query for all is fast; the slow loop runs only when something is missing
        [ "$(dpkg-query -W -f '${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -c '^ii')" = "$#" ] && return 0
        missing=$(packages_missing "$@")
        [ -n "$missing" ] || return 0
        command -v apt-get >/dev/null || die "these Debian packages are missing and there is no apt-get: $missing"
        if [ "$(id -u)" != 0 ]; then
                command -v sudo >/dev/null && sudo -n true 2>/dev/null && sudo="sudo -n"
                [ -n "$sudo" ] || die "packages are missing; as root: apt-get install --no-install-recommends $missing"
        fi
        say "installing: $missing"
        local log=$ROOT/build/apt.log
        mkdir -p "$ROOT/build"
        # shellcheck disable=SC2086
        { $sudo apt-get update -q &&
          $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
                >"$log" 2>&1 || { tail -20 "$log" >&2; die "apt-get failed, see $log"; }
}

# build PRESET [TARGET...]: configures once and builds; quiet unless something fails.
build() {
        local preset=$1 log=$ROOT/build/build-$1.log
        shift
        mkdir -p "$ROOT/build"
        if [ ! -f "$ROOT/build/$preset/build.ninja" ]; then
                (cd "$ROOT" && cmake --preset "$preset") >"$log" 2>&1 ||
                        { tail -30 "$log" >&2; die "cmake failed for preset $preset"; }
        fi
        (cd "$ROOT" && cmake --build --preset "$preset" ${1:+--target "$@"}) >"$log" 2>&1 ||
                { grep -E 'error|FAILED|warning' -A5 "$log" | head -60 >&2; die "the build failed, see $log"; }
}
