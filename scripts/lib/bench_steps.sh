# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The steps of a measurement. Each leaves its numbers, lines "NAME VALUE", in $BENCH_DIR/STEP.txt.

# value STEP NAME: the number, 0 when there is none.
value() { awk -v name="$2" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }' "$BENCH_DIR/$1.txt"; }

# calc EXPRESSION: its value.
calc() { awk "BEGIN { printf \"%.6g\", $1 }" </dev/null; }
holds() { awk "BEGIN { exit !($1) }" </dev/null; }

# load_run STEP ARGS...: the generator against the lab. False when nothing could be measured.
load_run() {
        local step=$1 code=0
        shift
        # shellcheck disable=SC2046
        "$TOOLS/sip_load" --to "$(addr_of pcscf):$([ "$SCHEME" = tls ] && echo 5061 || echo 5060)" --from "127.$LAB_NET.0.1" --scattered "$SUBSCRIBERS" $TRANSPORT \
                $(scheme_options sip_load) $(process_options) "$@" >"$BENCH_DIR/$step.txt" || code=$?
        [ "$code" -le 1 ] || die "the generator failed (exit code $code)"
}

# probe STEP RATE SECONDS: fresh nodes, registrations at that rate. True when it was sustained.
probe() {
        local step=$1 rate=$2 seconds=$3 all
        all=$(calc "$SUBSCRIBERS / $rate") # each subscriber once
        nodes_fresh
        load_run "$step" --subscribers "$SUBSCRIBERS" --rate "$rate" --duration "$seconds" \
                --warmup "$(calc "($all < $seconds ? $all : $seconds) / 5")"
        local failed achieved
        failed=$(value "$step" register.failed) achieved=$(value "$step" register.achieved)
        say "  $rate/s for $seconds s: $(value "$step" register.ok) ok, $failed failed, p50 $(value "$step" register.p50_ms) ms," \
                "p99 $(value "$step" register.p99_ms) ms, $(calc "$(value "$step" register.cpu_us)") us CPU each" >&2
        holds "$failed == 0 && $achieved >= 0.98 * $rate"
}

# find_max: the highest rate sustained for $RAMP_S seconds, within 4 %. Sets MAX.
find_max() {
        local lo=0 hi=0 rate=1000 i
        say "looking for the highest rate" >&2
        for ((i = 0; i < 16; i++)); do
                if probe ramp "$rate" "$RAMP_S"; then lo=$rate; else hi=$rate; fi
                [ "$hi" = 0 ] || [ "$lo" = 0 ] || ! holds "$hi < 1.04 * $lo" || break
                if [ "$hi" = 0 ]; then rate=$(calc "int($lo * 1.6)")
                elif [ "$lo" = 0 ]; then rate=$(calc "int($hi / 2)")
                else rate=$(calc "int(($lo + $hi) / 2)"); fi
                [ "$rate" -gt 0 ] || die "not even one registration per second was sustained"
        done
        MAX=$lo
}

# measure_max: registrations for $RUN_S seconds at MAX, or a little below when the longer run does not hold it.
measure_max() {
        local i
        for ((i = 0; i < 8; i++)); do
                probe max "$MAX" "$RUN_S" && return
                MAX=$(calc "int($MAX * 0.92)")
        done
        say "warning: no rate near $MAX/s was sustained for $RUN_S s; the figures are those of the last try" >&2
}

# floor_table: the messages of a registration with that scheme.
floor_table() { if [ "$SCHEME" = aka ]; then echo messages.csv; else echo messages_digest.csv; fi; }

# floor_run STEP RATE SECONDS: the same messages without the work.
floor_run() {
        "$TOOLS/floor" --table "$ROOT/tests/bench/floor/$(floor_table)" --rate "$2" --duration "$3" >"$BENCH_DIR/$1.txt" ||
                say "warning: the floor lost some at $2/s" >&2
}

# The HSS alone, in clear, which is what cx_load speaks.
cx_run() {
        local LAB_CORE=clear
        nodes_fresh hss
        # shellcheck disable=SC2046
        "$TOOLS/cx_load" --to "$(addr_of hss):3868" --from "$(addr_of scscf)" --subscribers "$SUBSCRIBERS" \
                --duration "$RUN_S" $(scheme_options cx_load) $(process_options hss) >"$BENCH_DIR/cx.txt" ||
                say "warning: some MARs failed" >&2
        nodes_down
}

# --- memory ------------------------------------------------------------------------------------------

# Transactions end after 64 * T1; with a short T1 what is left soon is what a registered user costs.
memory_conf() { sed -i 's/^\(sip\|gm\):$/&\n  t1: 100/' "$LAB_DIR"/conf/{pcscf,icscf,scscf}.yaml; }

memory_wrap() {
        local n
        for n in pcscf scscf; do
                wrap "$n" "$2" env "BENCH_HEAP_FILE='$LAB_DIR/run/$n.heap'" "LD_PRELOAD='$TOOLS/bench_heap.so'" "'$1/$n'"
        done
}

# heap_read NODE: "HEAP PRIVATE" in octets, as of now.
heap_read() {
        local file=$LAB_DIR/run/$1.heap
        rm -f "$file"
        kill -USR2 "$(node_pid "$1")" || die "$1 is gone"
        wait_until 4 test -f "$file" || die "$1 does not say what it holds"
        awk '{ print $2 }' "$file" | paste -sd' '
}

# heap_settled NODE...: lines "NODE HEAP PRIVATE" of all of them once no heap falls any more: transactions are over.
heap_settled() {
        local i n now same=0 fell
        local -A before
        for n in "$@"; do before[$n]="0 0"; done
        for ((i = 0; i < 60 && same < 3; i++)); do
                fell=0
                for n in "$@"; do
                        now=$(heap_read "$n") || return
                        holds "${now% *} >= ${before[$n]% *} * 0.999 && ${before[$n]% *} > 0" || fell=1
                        before[$n]=$now
                done
                if [ $fell = 0 ]; then same=$((same + 1)); else same=0; fi
                [ $same = 3 ] || sleep 1
        done
        for n in "$@"; do echo "$n ${before[$n]}"; done
}

# memory_run REGISTERED RATE: so many registered at once, and what each of them costs in the CSCFs.
memory_run() {
        local n registered=$1 rate=$2 heap private warm=1000
        local -A was_heap was_private
        [ "$registered" -gt 2000 ] || warm=$((registered / 2))
        BENCH_CONF=memory_conf BENCH_WRAP=memory_wrap nodes_fresh
        # tables, buffers and caches find their first size
        load_run memory_warm --subscribers "$warm" --rate "$rate"
        while read -r n heap private; do was_heap[$n]=$heap was_private[$n]=$private; done < <(heap_settled pcscf scscf)
        load_run memory --first "$warm" --subscribers $((registered - warm)) --rate "$rate"
        while read -r n heap private; do
                echo "heap_$n $(calc "($heap - ${was_heap[$n]}) / ($registered - $warm)")"
                echo "private_$n $(calc "($private - ${was_private[$n]}) / ($registered - $warm)")"
        done < <(heap_settled pcscf scscf) >>"$BENCH_DIR/memory.txt"
        nodes_down
}
