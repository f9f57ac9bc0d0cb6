# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/bench register --profile NODE: where the instructions of a registration go.

PROFILE_N=1000 PROFILE_RATE=50 PROFILE_WARM=100

profile_wrap() {
        wrap "$PROFILE" "$2" valgrind --tool=callgrind --instr-atstart=no --log-file="'$LAB_DIR/run/valgrind.log'" \
                --callgrind-out-file="'$LAB_DIR/run/callgrind'" "'$1/$PROFILE'"
}

# cmd_profile NODE: counts from the first message of the measured registrations to the last; what a start costs is
# left out. The whole file, for kcachegrind or callgrind_annotate, is kept.
cmd_profile() {
        local node=$1 pid out=$BENCH_DIR/callgrind.$1 file
        case " $NODES " in *" $node "*) ;; *) die "--profile takes one of: $NODES" ;; esac
        packages_ensure valgrind >&2
        [ "$SUBSCRIBERS" -ge $((PROFILE_N + PROFILE_WARM)) ] || die "--profile needs $((PROFILE_N + PROFILE_WARM)) subscribers"
        BENCH_WRAP=profile_wrap nodes_fresh
        pid=$(node_pid "$node")
        load_run profile_warm --subscribers $PROFILE_WARM --rate $PROFILE_RATE
        load_run profile --first $PROFILE_WARM --subscribers $PROFILE_N --rate "${RATE:-$PROFILE_RATE}" \
                --before "callgrind_control -i on $pid >/dev/null" --after "callgrind_control -i off $pid >/dev/null"
        callgrind_control -d "$pid" >/dev/null
        file=$(find "$LAB_DIR/run" -name 'callgrind.*' -size +0 | sort | tail -1)
        [ -n "$file" ] || die "callgrind wrote nothing"
        cp "$file" "$out"
        nodes_down
        [ "$(value profile register.failed)" = 0 ] || say "warning: $(value profile register.failed) registrations failed"
        say "$node: instructions per registration ($(value profile register.ok) registrations), by function, without what it calls"
        callgrind_annotate --auto=no --inclusive=no --threshold=100 "$out" | profile_top "$(value profile register.ok)"
        say "the whole: $out"
}

# profile_top N: the first 25 functions of callgrind_annotate's list, divided by N.
profile_top() {
        awk -v n="$1" '
                /^ *[0-9,]+ .*PROGRAM TOTALS/ { total = $1; gsub(/,/, "", total); printf "%9.0f  100.0%%  all\n", total / n; next }
                total && /^ *[0-9,]+ \(/ && rows < 25 {
                        ir = $1
                        gsub(/,/, "", ir)
                        sub(/^ *[0-9,]+ \([ 0-9.]+%\) +/, "")
                        sub(/ \[[^]]*\/([^\/\]]*)\]$/, "")
                        sub(/^[^ ]*\//, "")
                        printf "%9.0f  %5.1f%%  %s\n", ir / n, 100 * ir / total, $0
                        rows++
                }'
}
