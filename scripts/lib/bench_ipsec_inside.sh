#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/bench ipsec, the part that runs where IPsec is (tests/kernel/run.sh --shell), as root of three namespaces.
#
#   bench_ipsec_inside.sh STORE FILE
#
# Two whole labs with a copy of the subscriber store each: "secure" in the namespace core, whose P-CSCF demands IPsec,
# and "plain" in a namespace of that name, without. The phones of both are in the namespace phones, each with an address
# of its own (10.80.0.0/16 and 10.81.0.0/16, all of them local there). Each number of live UEs is reached in both, then
# rounds of registrations beside them take turns. FILE gets lines "KIND MODE LIVE ROUND NAME VALUE", the output lines
# "mark ..." for tests/bench/marks.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/scripts/lib/lab_network.sh"
. "$ROOT/scripts/lib/lab_config.sh"
. "$ROOT/scripts/lib/lab_nodes.sh"
. "$ROOT/scripts/lib/bench_lab.sh"
. "$ROOT/scripts/lib/bench_steps.sh"

STORE=$1 FILE=$2
LIVE=${QUINTET_BENCH_LIVE:?} ROUNDS=${QUINTET_BENCH_ROUNDS:?} BATCH=${QUINTET_BENCH_BATCH:?} RATE=${QUINTET_BENCH_RATE:-}
SUBSCRIBERS=${QUINTET_BENCH_SUBSCRIBERS:?}
AT_ONCE=8 # operations under way in the closed loop
WORK=$(mktemp -d) || die "no directory for the labs"
BENCH_DIR=$WORK/steps
mkdir "$BENCH_DIR"

# --- two labs ----------------------------------------------------------------------------------------

# lab_use secure|plain: the functions of the lab speak of that one.
lab_use() {
        KIND=$1 LAB_DIR=$WORK/$1
        case $1 in
        secure) NS=core NET_OF=10.77.9 PHONES=10.80 ;;
        plain) NS=plain NET_OF=10.79.9 PHONES=10.81 ;;
        esac
}

# shellcheck disable=SC2329 # called by lab_config.sh and lab_nodes.sh
addr_of() { echo "$NET_OF.${HOST[$1]:-1}"; }

# shellcheck disable=SC2329 # called by lab_nodes.sh
exec_in_node() { shift; exec ip netns exec "$NS" "$@"; }

network() {
        local n
        ip -batch - <<B || return
netns add plain
link add gm2 netns plain type veth peer name gm2 netns phones
B
        ip -n plain -batch - <<B || return
link set lo up
addr add 10.79.0.1/16 dev gm2
link set gm2 up
route add 10.81.0.0/16 via 10.79.0.2
B
        ip -n phones -batch - <<B || return
addr add 10.79.0.2/16 dev gm2
link set gm2 up
route add local 10.80.0.0/16 dev lo
route add local 10.81.0.0/16 dev lo
B
        ip -n core route add 10.80.0.0/16 via 10.77.0.2 || return
        for n in $NODES; do echo "addr add 10.77.9.${HOST[$n]}/16 dev gm"; done | ip -n core -batch - || return
        for n in $NODES; do echo "addr add 10.79.9.${HOST[$n]}/16 dev gm2"; done | ip -n plain -batch -
}

# shellcheck disable=SC2329 # BENCH_CONF of nodes_fresh
conf() {
        # transactions, and with them the SAs of UEs that left, are over soon
        memory_conf
        [ "$KIND" = plain ] || printf 'security:\n  ipsec: required\n' >>"$LAB_DIR/conf/pcscf.yaml"
}

# shellcheck disable=SC2329 # BENCH_WRAP of nodes_fresh
wrap_pcscf() {
        [ ! -e "$TOOLS/bench_heap.so" ] ||
                wrap pcscf "$2" env "BENCH_HEAP_FILE='$LAB_DIR/run/pcscf.heap'" "LD_PRELOAD='$TOOLS/bench_heap.so'" "'$1/pcscf'"
}

# shellcheck disable=SC2329 # by trap
labs_down() {
        local k
        for k in secure plain; do lab_use $k; nodes_down; done
        rm -rf "$WORK"
}

# --- steps -------------------------------------------------------------------------------------------

# put "KIND MODE LIVE ROUND NAME VALUE"
put() { echo "$1" >>"$FILE"; }

# load STEP FIRST N ARGS...: the generator with phones FIRST..FIRST+N-1; false when one of them failed.
load() {
        local step=$1 first=$2 n=$3 at code=0 ipsec=--ipsec
        shift 3
        [ "$KIND" = secure ] || ipsec=""
        at=$((first + 1))
        # shellcheck disable=SC2086,SC2046
        ip netns exec phones "$TOOLS/sip_load" --to "$(addr_of pcscf):5060" --from "$PHONES.$((at / 256)).$((at % 256))" \
                --sources "$n" --first "$first" --subscribers "$n" --scattered "$SUBSCRIBERS" --marks $ipsec "$@" \
                $(process_options) >"$BENCH_DIR/$step.txt" || code=$?
        [ $code -le 1 ] || die "the generator failed (exit code $code)"
        [ $code = 0 ] && return
        FAILED=$((FAILED + $(awk '$1 ~ /\.failed$/ { n += $2 } END { print n + 0 }' "$BENCH_DIR/$step.txt")))
        say "  $KIND $step: $(grep failed "$BENCH_DIR/$step.txt" | paste -sd' ')"
        return 1
}

sets() { ip -n core xfrm state count | awk '{ print int($NF / 4) }'; }

at_most() { [ "$(sets)" -le "$1" ]; }

# settled N: the UEs that left have left the kernel too.
settled() {
        wait_until 30 at_most "$1" ||
                say "  warning: $(sets) sets of SAs where $1 are live"
}

# grow FROM TO: UEs up to TO are registered and stay.
grow() {
        local k before after
        for k in secure plain; do
                lab_use $k
                before=$(memory $(($2 - $1)))
                say "mark $k grow $2 1"
                load grow "$1" $(($2 - $1)) --at-once $AT_ONCE
                after=$(memory $(($2 - $1)))
                put "$k grow $2 1 ok $(value grow register.ok)"
                put "$k grow $2 1 achieved $(value grow register.achieved)"
                put "$k grow $2 1 heap $(calc "(${after% *} - ${before% *}) / ($2 - $1)")"
                put "$k grow $2 1 private $(calc "(${after#* } - ${before#* }) / ($2 - $1)")"
                say "  $k: $2 live, $(value grow register.achieved) registrations/s on the way"
        done
}

# memory N: "HEAP PRIVATE" of the P-CSCF, when there are enough UEs to see what one costs.
memory() { if [ "$1" -ge 500 ] && [ -e "$TOOLS/bench_heap.so" ]; then heap_settled pcscf | cut -d' ' -f2-; else echo "0 0"; fi; }

# measured KIND LIVE ROUND MODE ARGS...: phones come and go beside those that are live; MODE is max or rate.
measured() {
        local k=$1 live=$2 round=$3 mode=$4 n=$BATCH first=$((TOP + ($3 - 1) * 2 * BATCH))
        shift 4
        [ "$mode" = max ] || first=$((first + BATCH)) n=$(((BATCH + 3) / 4))
        [ "$k" = plain ] || settled "$live"
        lab_use "$k"
        say "mark $k $mode $live $round"
        load "$k.$mode" "$first" "$n" --phases register,deregister "$@"
        awk -v at="$k $mode $live $round" -v names="ok achieved p50_ms p99_ms cpu_us cpu_us_pcscf own_cpu_us ue_sa_us" '
                { is[$1] = $2 }
                END { n = split(names, name, " "); for (i = 1; i <= n; i++) print at, name[i], ("register." name[i]) in is ? is["register." name[i]] : 0 }
        ' "$BENCH_DIR/$k.$mode.txt" >>"$FILE"
}

level() {
        local live=$1 r k
        for ((r = 1; r <= ROUNDS; r++)); do
                for k in secure plain; do measured $k "$live" $r max --at-once $AT_ONCE; done
                [ -n "$RATE" ] || RATE=$(calc "int($(value secure.max register.achieved) * 0.4) + 1")
                for k in secure plain; do measured $k "$live" $r rate --rate "$RATE" --poisson; done
                say "  $live live, round $r: $(value secure.max register.achieved)/s protected, $(value plain.max register.achieved)/s not"
        done
}

# --- the run -----------------------------------------------------------------------------------------

trap labs_down EXIT
network || die "no networks"
: >"$FILE"
dir=$(sed -n 's/.* uml_dir=\([^ ]*\).*/\1/p' /proc/cmdline)
[ -z "$dir" ] || say "mark uml $dir"
FAILED=0 TOP=${LIVE##*,}
say "sets of SAs alone"
unshare --net "$TOOLS/sa_load" --live "$LIVE" --sets "$BATCH" --rounds "$ROUNDS" --marks >"$BENCH_DIR/sets.txt" ||
        die "no sets of SAs"
for L in ${LIVE//,/ }; do
        for name in install_us remove_us count_us; do put "sets max $L 1 $name $(value sets "live_$L.$name")"; done
done
for k in secure plain; do
        lab_use $k
        BENCH_CONF=conf BENCH_WRAP=wrap_pcscf nodes_fresh
        load warm $((TOP + ROUNDS * 2 * BATCH)) 20 --at-once 4 --phases register,deregister || true
done
HAVE=0
for L in ${LIVE//,/ }; do
        grow "$HAVE" "$L"
        HAVE=$L
        level "$L"
done
put "all all 0 1 failed $FAILED"
put "all all 0 1 rate $RATE"
put "all all 0 1 uml $(grep -cs 'User Mode Linux' /proc/cpuinfo)"
