#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs where tests/kernel/run.sh puts it, as root of a machine with IPsec.
#
#   inside.sh shell [CMD]            a shell command with the networks up, or a shell on the terminal
#   inside.sh tests RESULTS NAME...  every test whose name matches, each with networks of its own
#
# The networks: three namespaces.
#
#       core ---- gm ---- phones        10.77.0.0/16, fd00:77::/64: nodes in core, phones with addresses of their own
#         `--wan-- nat --home--'        10.78.0.0/24 outside, 192.168.7.0/24 inside: phones behind iptables MASQUERADE
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

TEST_LIMIT_S=${QUINTET_KERNEL_LIMIT:-500}
# tests at a time: they wait more than they compute
JOBS=${QUINTET_KERNEL_JOBS:-2}
# words that run a program in valgrind: kernel_* here, the P-CSCF in lab_kernel.lua (valgrind cannot do what ue run needs)
WATCH=()
[ -z "${QUINTET_MEMCHECK:-}" ] || read -ra WATCH <<<"$QUINTET_MEMCHECK"

networks_up() {
        ip -batch - <<B || return
netns add core
netns add nat
netns add phones
link add gm netns core type veth peer name gm netns phones
link add wan netns core type veth peer name wan netns nat
link add home netns phones type veth peer name home netns nat
B
        ip -n core -batch - <<B || return
link set lo up
addr add 10.77.0.1/16 dev gm
addr add fd00:77::1/64 dev gm nodad
addr add 10.78.0.1/24 dev wan
link set gm up
link set wan up
B
        # what comes from an address behind the NAT leaves through it
        ip -n phones -batch - <<B || return
link set lo up
addr add 10.77.0.2/16 dev gm
addr add fd00:77::2/64 dev gm nodad
addr add 192.168.7.2/24 dev home
link set gm up
link set home up
route add default via 192.168.7.1 dev home table 7
rule add from 192.168.7.0/24 lookup 7
B
        ip -n nat -batch - <<B || return
link set lo up
addr add 10.78.0.2/24 dev wan
addr add 192.168.7.1/24 dev home
link set wan up
link set home up
route add 10.77.0.0/16 via 10.78.0.1
B
        # shellcheck disable=SC2016
        ip netns exec nat sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward &&
                for i in iptables-legacy iptables; do $i -t nat -A POSTROUTING -o wan -j MASQUERADE && exit; done; exit 1'
}

# Ends what a test left running, and its networks.
networks_down() {
        local ns pids
        for ns in core nat phones; do
                pids=$(ip netns pids $ns)
                # shellcheck disable=SC2086
                [ -z "$pids" ] || kill -KILL $pids 2>/dev/null
                ip netns del $ns
        done
}

# one NAME CMD...: a test with networks of its own, in the namespace of the phones. Names of namespaces are its own, too: others
# run beside it.
one() {
        local name=$1 code=0 t0=$SECONDS
        shift
        if mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && networks_up; then
                timeout --kill-after=20 "$TEST_LIMIT_S" ip netns exec phones "$@" || code=$?
        else
                code=1
        fi >"$RESULTS/$name.out" 2>&1 </dev/null
        networks_down 2>/dev/null
        echo $((SECONDS - t0)) >"$RESULTS/$name.seconds"
        echo $code >"$RESULTS/$name.code"
        grep -E '^(PASS|FAIL|SKIP|ok|not ok) ' "$RESULTS/$name.out"
        [ $code = 0 ] || say "kernel.$name: exit code $code"
}

# job NAME CMD...: one in the background, when fewer than JOBS are.
job() {
        [ "$(jobs -pr | wc -l)" -lt "$JOBS" ] || wait -n
        unshare --mount bash "$0" one "$@" &
        STARTED+=("$1")
}

# wanted NAME PATTERN...
wanted() {
        local name=$1 p
        shift
        # shellcheck disable=SC2254
        for p in "$@"; do case $name in $p) return 0 ;; esac; done
        return 1
}

tests() {
        local f name code alone=() STARTED=()
        export RESULTS=$1
        shift
        export LUA_PATH="$ROOT/tests/flows/lib/?.lua;;" CMOCKA_MESSAGE_OUTPUT=TAP
        for f in "$ROOT"/tests/kernel/*.lua; do
                [ -f "$f" ] && wanted "$(basename "$f" .lua)" "$@" && job "$(basename "$f" .lua)" "$QUINTET_BIN/ue" run "$f"
        done
        for f in "$QUINTET_BUILD"/tests/kernel_*; do
                [ -f "$f" ] && [ -x "$f" ] && wanted "${f##*/kernel_}" "$@" || continue
                # what changes the machine itself runs when nothing else does
                case $f in */kernel_alone_*) alone+=("$f") ;; *) job "${f##*/kernel_}" "${WATCH[@]}" "$f" ;; esac
        done
        wait
        for f in "${alone[@]}"; do
                job "${f##*/kernel_}" "${WATCH[@]}" "$f"
                wait
        done
        for name in "${STARTED[@]}"; do
                { read -r code <"$RESULTS/$name.code" && [ "$code" = 0 ]; } 2>/dev/null || exit 1
        done
        exit 0
}

shell() {
        networks_up || exit 1
        export LUA_PATH="$ROOT/tests/flows/lib/?.lua;;" PATH="$QUINTET_BIN:$PATH"
        [ $# = 0 ] || exec bash -c "$*"
        stty sane
        exec bash -i
}

"$@"
