# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The lab that scripts/bench measures in: the four nodes on loopback addresses of their own, configured as in
# scripts/lab but without event streams, with a subscriber store that was filled once.

# Taken by nobody who keeps to the lab's own numbers; another one may be given.
LAB_NAME=bench
LAB_NET=${QUINTET_LAB_NET:-$((200 + $$ % 50))}
MODE=loopback
lab_uml_inside() { false; } # of lab_uml.sh: the nodes run here
# there IMS AKA alone is used: the P-CSCF says of the first REGISTER that it is one (scheme digest: "other")
LAB_ACCESS=3gpp LAB_TLS=no
BENCH_DIR=${QUINTET_BENCH_DIR:-$ROOT/build/bench}
[[ $BENCH_DIR = /* ]] || BENCH_DIR=$PWD/$BENCH_DIR
LAB_DIR=$BENCH_DIR/lab
LOCK=""
TOOLS=$(dirname "$BIN")/tests

# no event streams: they are for people who look at single registrations
lab_trace() { :; }

# The CSCFs serve once their Diameter connections are up; without event streams the log says so.
nodes_wait_cx() {
        local n
        for n in icscf scscf; do
                wait_until 4 grep -q '\[peer_up;' "$LAB_DIR/log/$n.log" ||
                        die "$n has no Diameter connection to the HSS, see $LAB_DIR/log/$n.log"
        done
}

# scheme_options PROGRAM: what a measuring program has to know of the authentication scheme.
scheme_options() {
        [ "$SCHEME" != aka ] || return 0
        echo --digest
        [ "$SCHEME/$1" != tls/sip_load ] || { echo "--from 127.$LAB_NET.8.1 --tls $LAB_DIR/tls/ca.pem"; return; }
        # one user is behind one address (TS 33.203 N.2.1.1)
        [ "$1" != sip_load ] || echo "--from 127.$LAB_NET.8.1 --sources $((SUBSCRIBERS < 60000 ? SUBSCRIBERS : 60000))"
}

# bench_select: one measurement at a time in one tree.
bench_select() {
        build_dir
        mkdir -p "$BENCH_DIR" && chmod 700 "$BENCH_DIR" || die "cannot write in $BENCH_DIR"
        exec {LOCK}<"$BENCH_DIR" || die "cannot read $BENCH_DIR"
        flock -n "$LOCK" || die "another scripts/bench works in $BENCH_DIR"
}

# bench_dirs: an empty lab.
bench_dirs() {
        rm -rf "${LAB_DIR:?}"
        mkdir -p "$LAB_DIR"/{conf,log,trace,run,ue,bin}
        [ "$LAB_TLS/$LAB_CORE" = no/clear ] || (lab_certificates) || exit
}

# store_ready N: the store with N subscribers of the generator's rule, imported once and kept. Sets STORE.
store_ready() {
        local n=$1 t0 out
        # another schema or another rule is another store
        STORE=$BENCH_DIR/subscribers-${SCHEME/tls/digest}-$n-$(cat "$ROOT/hss/schema.sql" "$ROOT/tests/bench/sip_load/subscribers.c" |
                cksum | cut -d' ' -f1)
        [ -f "$STORE/hss.db" ] && return
        say "importing $n subscribers, once" >&2
        rm -rf "$STORE.new" && mkdir -p "$STORE.new"
        bench_dirs
        (umask 077 && lab_write_config)
        in_node hss hss init >/dev/null || die "the subscriber store cannot be made"
        # shellcheck disable=SC2046
        "$TOOLS/sip_load" $(scheme_options csv) --subscribers "$n" --write-csv "$STORE.new/subscribers.csv" || die "no subscribers"
        t0=$(date +%s.%N)
        out=$(in_node hss hss subscriber import "$STORE.new/subscribers.csv" 2>&1) || die "the import failed: $out"
        awk -v a="$t0" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f\n", b - a }' >"$STORE.new/import_s"
        rm "$STORE.new/subscribers.csv"
        mv "$LAB_DIR"/hss.* "$STORE.new" && mv "$STORE.new" "$STORE"
}

# nodes_fresh [NODE...]: the nodes (all four without arguments) with a copy of the store. BENCH_CONF names a
# function that changes the configuration, BENCH_WRAP one that puts programs of its own in place of nodes.
nodes_fresh() {
        local n nodes=${*:-$NODES} real=$BIN BIN=$BIN
        nodes_down
        bench_dirs
        cp --reflink=auto "$STORE"/hss.* "$LAB_DIR" || die "cannot copy the store"
        (umask 077 && lab_write_config)
        # all phones connect at once, may share one address, and wait for the last before they say anything
        [ "${SCHEME:-aka}" != tls ] ||
                sed -i 's/^sip:$/&\n  handshakes: 0\n  handshakes_per_source: 0\n  tcp_first: 1h/' "$LAB_DIR/conf/pcscf.yaml"
        [ -z "${BENCH_CONF:-}" ] || "$BENCH_CONF"
        if [ -n "${BENCH_WRAP:-}" ]; then
                for n in $NODES; do ln -s "$real/$n" "$LAB_DIR/bin/$n"; done
                "$BENCH_WRAP" "$real" "$LAB_DIR/bin"
                BIN=$LAB_DIR/bin
        fi
        if [ "$nodes" = "$NODES" ]; then nodes_start; else for n in $nodes; do node_start "$n"; done; fi
}

nodes_down() { [ ! -d "$LAB_DIR/run" ] || nodes_stop; }

# wrap NODE DIR COMMAND...: in DIR, NODE is COMMAND with the node's arguments.
wrap() {
        local node=$1 dir=$2
        shift 2
        rm -f "$dir/$node"
        printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$dir/$node" && chmod +x "$dir/$node"
}

# process_options [NODE...]: --process NAME=PID for those that run.
process_options() {
        local n pid
        for n in ${*:-pcscf icscf scscf hss}; do pid=$(node_pid "$n") && printf -- '--process %s=%s ' "$n" "$pid"; done
}
