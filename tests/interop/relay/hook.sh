#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Run by scripts/lab between the configuration and the start of the nodes (QUINTET_LAB_HOOK): Cx of the nodes
# as the test wants it, and capture and relay before the first node speaks. May run again in the same lab.
#
# RELAY_DIR holds NODE.diameter (what stands under diameter: in NODE.yaml), relay.conf, and in "first" the nodes
# that the relay connects to: it starts when they listen, since its pause after a failed attempt is long.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/wait.sh"
NS=$QUINTET_LAB_NAME-lab

# started NAME: the process that was started here under this name is alive; one that was killed may still have its number.
started() { [ -s "$RELAY_DIR/$1.pid" ] && ! process_gone "$(cat "$RELAY_DIR/$1.pid")"; }

# start NAME COMMAND...: in the lab's namespace.
start() {
        local name=$1
        shift
        ip netns exec "$NS" "$@" >"$RELAY_DIR/$name.log" 2>&1 </dev/null &
        echo $! >"$RELAY_DIR/$name.pid"
}

# tries COMMAND...: until it succeeds, at most 10 s.
tries() {
        wait_until 10 "$@" && return
        echo "$* does not succeed" >&2
        return 1
}

listens() { [ -n "$(ip netns exec "$QUINTET_LAB_NAME-$1" ss -ltnH "sport = :3868" 2>/dev/null)" ]; }

relay_when_ready() {
        local node
        for node in $(cat "$RELAY_DIR/first"); do tries listens "$node" || return 1; done
        start relay freeDiameterd -c "$RELAY_DIR/relay.conf"
}

for node in hss icscf scscf; do
        conf=$QUINTET_LAB_DIR/conf/$node.yaml
        # relay and second HSS stand beside the nodes
        grep -q "network: $RELAY_ADDRESS," "$conf" ||
                sed -i "s|^network_domain:|&\n  - {network: $RELAY_ADDRESS, protected_by: closed}\n  - {network: ${RELAY_ADDRESS%.*}.21, protected_by: closed}|" "$conf"
        awk '/^[^ #]/ { cx = /^diameter:/ } !cx' "$conf" >"$conf.new" &&
                { echo "diameter:"; cat "$RELAY_DIR/$node.diameter"; } >>"$conf.new" &&
                cat "$conf.new" >"$conf" && rm "$conf.new" || exit 1
done
ip -n "$NS" addr replace "$RELAY_ADDRESS/24" dev br0 || exit 1
if ! started capture; then
        start capture dumpcap -q -i br0 -B 64 -w "$RELAY_DIR/capture.pcapng"
        tries grep -q "^File:" "$RELAY_DIR/capture.log" || exit 1
fi
started relay || relay_when_ready >"$RELAY_DIR/start.log" 2>&1 </dev/null &
