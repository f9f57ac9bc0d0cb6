# SPDX-License-Identifier: BSD-3-Clause
# Where the nodes live: network namespaces on a bridge of their own (root), or loopback addresses.

NODES="hss scscf icscf pcscf"
# A second lab beside the first takes another name (at most 8 characters) and another network number.
LAB_NAME=${QUINTET_LAB_NAME:-quintet}
LAB_NET=${QUINTET_LAB_NET:-45}
NS_BRIDGE=$LAB_NAME-lab

# The host number of a node, the same in every kind of network.
host_of() {
        case $1 in hss) echo 2 ;; icscf) echo 3 ;; scscf) echo 4 ;; pcscf) echo 5 ;; ue) echo 10 ;; *) echo 1 ;; esac
}

addr_of() {
        if [ "$MODE" = netns ]; then echo "10.$LAB_NET.0.$(host_of "$1")"; else echo "127.0.$LAB_NET.$(host_of "$1")"; fi
}

addr6_of() { echo "fd00:$LAB_NET::$(host_of "$1")"; }

network_can_netns() {
        [ "$(id -u)" = 0 ] && command -v ip >/dev/null && ip netns add "$LAB_NAME-probe" 2>/dev/null &&
                ip netns del "$LAB_NAME-probe"
}

ns_exists() { [ -e "/run/netns/$1" ]; }

# Processes inside a namespace that are not recorded as ours.
ns_strangers() {
        local pid n
        for pid in $(ip netns pids "$1" 2>/dev/null); do
                for n in $NODES; do
                        [ "$(cat "$LAB_DIR/run/$n.pid" 2>/dev/null)" = "$pid" ] && continue 2
                done
                echo "$pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c1-60))"
        done
}

network_add_host() {
        local node=$1 ns=$LAB_NAME-$1 port
        port=v-$node
        ip netns add "$ns" &&
                ip link add "$port" netns "$NS_BRIDGE" type veth peer name eth0 netns "$ns" &&
                ip -n "$NS_BRIDGE" link set "$port" master br0 up &&
                ip -n "$ns" link set lo up &&
                ip -n "$ns" addr add "$(addr_of "$node")/24" dev eth0 &&
                ip -n "$ns" addr add "$(addr6_of "$node")/64" dev eth0 nodad &&
                ip -n "$ns" link set eth0 up || die "cannot make the namespace $ns"
}

# Makes what is missing; a namespace left over from an earlier run is made anew and named.
network_up() {
        local n who
        [ "$MODE" = netns ] || return 0
        lab_running && return 0
        for n in $NS_BRIDGE $LAB_NAME-ue $(printf "$LAB_NAME-%s " $NODES); do
                ns_exists "$n" || continue
                who=$(ns_strangers "$n" | paste -sd' ')
                [ -z "$who" ] || die "the namespace $n is in use by $who; end that, or use 'ip netns del $n'"
                say "removing the stale namespace $n"
                ip netns del "$n"
        done
        ip netns add $NS_BRIDGE && ip -n $NS_BRIDGE link add br0 type bridge forward_delay 0 mcast_snooping 0 &&
                ip -n $NS_BRIDGE link set br0 up && ip -n $NS_BRIDGE link set lo up ||
                die "cannot make the lab's bridge in the namespace $NS_BRIDGE"
        for n in $NODES ue; do network_add_host "$n"; done
}

network_down() {
        local n
        [ "$MODE" = netns ] || return 0
        for n in $LAB_NAME-ue $(printf "$LAB_NAME-%s " $NODES) $NS_BRIDGE; do
                ns_exists "$n" || continue
                ip netns pids "$n" | xargs -r kill 2>/dev/null
                ip netns del "$n"
        done
        return 0
}

# in_node NODE CMD...: runs CMD where NODE lives, the lab's addresses and files being its defaults.
in_node() { (exec_in_node "$@"); }

# The same in place of this shell, so that a signal reaches CMD itself.
exec_in_node() {
        local node=$1
        shift
        set -- env PATH="$BIN:$PATH" \
                QUINTET_HSS_CONF="$LAB_DIR/conf/hss.yaml" QUINTET_ICSCF_CONF="$LAB_DIR/conf/icscf.yaml" \
                QUINTET_SCSCF_CONF="$LAB_DIR/conf/scscf.yaml" QUINTET_PCSCF_CONF="$LAB_DIR/conf/pcscf.yaml" \
                QUINTET_PCSCF="$(addr_of pcscf):5060" QUINTET_UE_ADDR="$(addr_of ue)" \
                QUINTET_UE_STATE="$LAB_DIR/ue" "$@"
        if [ "$MODE" = netns ]; then exec ip netns exec "$LAB_NAME-$node" "$@"; else exec "$@"; fi
}
