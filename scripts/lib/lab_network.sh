# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Where the nodes live: network namespaces on a bridge of their own (root), or loopback addresses.

NODES="hss scscf icscf pcscf"
# A second lab beside the first takes another name, another network number and a directory of its own.
LAB_NAME=${QUINTET_LAB_NAME:-quintet}
LAB_NET=${QUINTET_LAB_NET:-45}

# The host numbers of the nodes, the same in every kind of network; that of all else is 1. (A table: inside User-Mode Linux
# every process costs tens of milliseconds, a subshell too.)
declare -A HOST=([hss]=2 [icscf]=3 [scscf]=4 [pcscf]=5 [ue]=10)

addr_of() {
        if [ "$MODE" != loopback ]; then echo "10.$LAB_NET.0.${HOST[$1]:-1}"; else echo "127.0.$LAB_NET.${HOST[$1]:-1}"; fi
}

addr6_of() { echo "fd00:$LAB_NET::${HOST[$1]:-1}"; }

# An interrupt waits until the namespace of the trial is gone again.
network_can_netns() {
        { [ "$(id -u)" = 0 ] || lab_uml_inside; } && command -v ip >/dev/null || return
        (trap '' INT TERM HUP; ip netns add "$LAB_NAME-p$$" 2>/dev/null && ip netns del "$LAB_NAME-p$$")
}

ns_exists() { [ -e "/run/netns/$1" ]; }

ns_all() { for n in lab ue $NODES; do echo "$LAB_NAME-$n"; done; }

# Processes inside a namespace that are not recorded as ours.
ns_strangers() {
        local pid
        for pid in $(ip netns pids "$1" 2>/dev/null); do
                grep -qsx "$pid" "$LAB_DIR"/run/*.pid "$LAB_DIR"/run/*.shell ||
                        echo "process $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c1-60))"
        done
}

# In few calls of ip, for the same reason.
network_add_host() {
        local node=$1 ns=$LAB_NAME-$1 port
        port=v-$node
        ip -batch - <<B && ip -n "$ns" -batch - <<B6 && return
netns add $ns
link add $port netns $LAB_NAME-lab type veth peer name eth0 netns $ns
B
link set lo up
addr add $(addr_of "$node")/24 dev eth0
addr add $(addr6_of "$node")/64 dev eth0 nodad
link set eth0 up
B6
        die "cannot make the namespace $ns; scripts/lab down, or QUINTET_LAB_MODE=loopback, may help"
}

# Removes namespaces left over from an earlier run and says so; refuses when somebody uses one.
network_clear() {
        local ns who stale=""
        for ns in $(ns_all); do
                ns_exists "$ns" || continue
                who=$(ns_strangers "$ns" | paste -sd, | sed 's/,/, /g')
                [ -z "$who" ] || die "the namespace $ns is in use by $who; end that, or all in it by scripts/lab down"
                stale="$stale $ns"
        done
        [ -z "$stale" ] || { say "removing stale namespaces of an earlier run:$stale"; network_down; }
}

network_up() {
        local n ns
        [ "$MODE" = netns ] && ! lab_running || return 0
        network_clear
        ns=$LAB_NAME-lab
        { ip netns add "$ns" && ip -n "$ns" -batch - <<B; } ||
link add br0 type bridge forward_delay 0 mcast_snooping 0
link set br0 up
link set lo up
B
                die "cannot make the lab's bridge in the namespace $ns; QUINTET_LAB_MODE=loopback works without"
        for n in $NODES ue; do network_add_host "$n"; done
        for n in $NODES ue; do echo "link set v-$n master br0 up"; done | ip -n "$ns" -batch - ||
                die "cannot connect the nodes to the bridge in $ns"
}

# Ends what still runs in the lab (a phone that holds its registration, a capture) and removes the namespaces.
network_down() {
        local ns i pids pid since
        # what was started by in_node carries in its environment whose it is
        pids=$(grep -lsxzF "QUINTET_UE_STATE=$LAB_DIR/ue" /proc/[0-9]*/environ | cut -d/ -f3
                [ ! -f "$LAB_DIR/run/exec" ] || while read -r pid since; do
                        [ "$(ticks "$pid")" = "$since" ] && echo "$pid"
                done <"$LAB_DIR/run/exec"
                [ "$MODE" = loopback ] || for ns in $(ns_all); do ns_exists "$ns" && ip netns pids "$ns"; done)
        pids=$(sort -u <<<"$pids" | grep -vx "$$")
        # shellcheck disable=SC2086
        [ -z "$pids" ] || kill $pids 2>/dev/null
        for ((i = 0; i < 100; i++)); do
                # shellcheck disable=SC2086
                [ -n "$pids" ] && kill -0 $pids 2>/dev/null || break
                sleep 0.02
        done
        # shellcheck disable=SC2086
        [ $i -lt 100 ] || kill -KILL $pids 2>/dev/null
        rm -f "$LAB_DIR/run/exec"
        [ "$MODE" = netns ] || return 0
        for ns in $(ns_all); do ! ns_exists "$ns" || ip netns del "$ns"; done
}

# in_node NODE CMD...: runs CMD where NODE lives, the lab's addresses and files being its defaults.
in_node() { (exec_in_node "$@"); }

# The same in place of this shell, so that a signal reaches CMD itself.
exec_in_node() {
        local node=$1 phone=()
        shift
        # on the loopback interface a phone would take 127.0.0.1; in a namespace it has one address of each kind
        [ "$MODE" = netns ] || phone=(QUINTET_UE_ADDR="$(addr_of ue)")
        set -- env -u QUINTET_UE_ADDR "${phone[@]}" PATH="$BIN:$PATH" \
                QUINTET_HSS_CONF="$LAB_DIR/conf/hss.yaml" QUINTET_ICSCF_CONF="$LAB_DIR/conf/icscf.yaml" \
                QUINTET_SCSCF_CONF="$LAB_DIR/conf/scscf.yaml" QUINTET_PCSCF_CONF="$LAB_DIR/conf/pcscf.yaml" \
                QUINTET_PCSCF="$(addr_of pcscf)" QUINTET_UE_STATE="$LAB_DIR/ue" \
                QUINTET_UE_CA="$LAB_DIR/tls/ca.pem" QUINTET_UE_BOOTSTRAP="$(addr_of hss):8443" \
                QUINTET_UE_CERTIFICATE="$LAB_DIR/tls/device.pem" QUINTET_UE_KEY="$LAB_DIR/tls/device.key" "$@"
        if [ "$MODE" = netns ]; then exec ip netns exec "$LAB_NAME-$node" "$@"; else exec "$@"; fi
}
