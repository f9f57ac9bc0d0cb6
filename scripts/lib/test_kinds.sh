# SPDX-License-Identifier: BSD-3-Clause
# How each kind of test is run. Every function writes PASS/FAIL lines into $RESULTS.

# one_test NAME LIMIT_S CMD...: runs CMD; its own PASS/FAIL lines are taken, with the prefix; a command that
# prints none counts as one test by its exit code; one that prints passes but exits non-zero has failed.
one_test() {
        local name=$1 limit=$2 out=$RESULTS/$1.out lines=$RESULTS/$1.lines code=0 t0
        shift 2
        t0=$(date +%s)
        timeout --kill-after=10 "$limit" "$@" >"$out" 2>&1 </dev/null || code=$?
        # a sanitizer's report is a failure even when the program goes on
        grep -E '^(PASS|FAIL|SKIP) ' "$out" | sed "s/^\(PASS\|FAIL\|SKIP\) /\1 ${PREFIX}/" >"$lines"
        if [ "$code" != 0 ] && ! grep -q '^FAIL ' "$lines"; then
                if [ "$code" = 124 ]; then
                        echo "FAIL $name: no end within $limit s, see build/test-results/$name.out" >>"$lines"
                else
                        echo "FAIL $name: exit code $code, see build/test-results/$name.out" >>"$lines"
                fi
        elif [ ! -s "$lines" ]; then
                echo "PASS $name" >"$lines"
        fi
        say "$(printf '%-44s %3d passed, %d failed (%d s)' "$name" "$(grep -c '^PASS' "$lines")" \
                "$(grep -c '^FAIL' "$lines")" $(($(date +%s) - t0)))"
}

# Unit tests speak TAP (cmocka); a line "# proves IDS" follows the assertions it stands for.
unit_test() {
        local name=$1 program=$2 code=0
        CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=10 120 "$program" >"$RESULTS/$name.out" 2>&1 || code=$?
        awk -v base="$name" -v code="$code" '
                /^PROVES / { sub(/^PROVES /, ""); ids = ids " " $0; next }
                /^ok [0-9]+ - /     { n++; print "PASS " base "." $4 ids; ids = ""; next }
                /^not ok [0-9]+ # SKIP / { skipped++; print "SKIP " base "." $6; next }
                /^not ok [0-9]+ - / { bad++; print "FAIL " base "." $5 ": see build/test-results/" base ".out"; ids = "" }
                END {
                        if (code != 0 && !bad) print "FAIL " base ": exit code " code ", see build/test-results/" base ".out"
                        else if (!n && !bad && !skipped) print "FAIL " base ": no test ran"
                }' "$RESULTS/$name.out" >"$RESULTS/$name.lines"
        say "$(printf '%-44s %3d passed, %d failed' "$name" "$(grep -c '^PASS' "$RESULTS/$name.lines")" \
                "$(grep -c '^FAIL' "$RESULTS/$name.lines")")"
}

# parallel JOBS: reads "FUNCTION ARGS..." lines and runs that many at a time.
parallel() {
        local jobs=$1 line running=0
        while read -r line; do
                # shellcheck disable=SC2086
                $line &
                running=$((running + 1))
                if [ $running -ge "$jobs" ]; then
                        wait -n
                        running=$((running - 1))
                fi
        done
        wait
}

wanted() {
        # shellcheck disable=SC2254
        case $1 in $ONLY) return 0 ;; *) return 1 ;; esac
}

# run_suite PRESET PREFIX: builds the preset and runs units, flows and interop with it.
run_suite() {
        local preset=$1 dir=$ROOT/build/$1 f name
        PREFIX=$2
        say "== building ($preset)"
        build "$preset"
        export QUINTET_BIN=$dir/bin QUINTET_BUILD=$dir QUINTET_ROOT=$ROOT
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:handle_abort=1
        export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
        say "== running ($preset)"
        for f in "$dir"/tests/unit_*; do
                [ -x "$f" ] && [ -f "$f" ] || continue
                name=${f##*/unit_}
                name=${PREFIX}unit.${name/_/.}
                wanted "$name" && echo "unit_test $name $f"
        done | parallel 2
        for f in "$ROOT"/tests/flows/*.lua; do
                name=${PREFIX}flows.$(basename "$f" .lua)
                wanted "$name" && echo "one_test $name 300 $dir/bin/ue run $f"
        done | parallel 2
        for f in "$dir"/tests/flow_*; do
                [ -x "$f" ] && [ -f "$f" ] || continue
                name=${PREFIX}flows.${f##*/flow_}
                wanted "$name" && echo "one_test $name 300 $f"
        done | parallel 2
        for f in "$ROOT"/tests/interop/*/run.sh "$ROOT"/tests/docs/run.sh; do
                [ -f "$f" ] || continue
                name=$(basename "$(dirname "$f")")
                [ "$name" = docs ] || name=interop.$name
                wanted "$PREFIX$name" && one_test "$PREFIX$name" 600 bash "$f"
        done
}

# Replays every corpus and fuzzes each target for a short while (QUINTET_FUZZ_SECONDS, 5 by default).
# New inputs go to build/, never into the tree; a crash leaves its input beside the results.
run_fuzz() {
        local f name found
        PREFIX=""
        say "== building (fuzz)"
        build fuzz
        for f in "$ROOT"/build/fuzz/tests/fuzz_*; do
                [ -x "$f" ] && [ -f "$f" ] || continue
                name=${f##*/fuzz_}
                found=$ROOT/build/fuzz/found/$name
                mkdir -p "$found"
                wanted "fuzz.$name" && echo "one_test fuzz.$name 300 $f -max_total_time=${QUINTET_FUZZ_SECONDS:-5}" \
                        "-artifact_prefix=$RESULTS/crash-$name- $found $ROOT/tests/fuzz/corpus/$name"
        done | parallel 2
}
