# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# How each kind of test is run. Every function writes PASS/FAIL lines into $RESULTS/NAME.lines.

PREFIX="" # "asan." before the names of tests of that build

# kill_tree PID: ends all descendants of a process; those of timeout stand in process groups of their own.
kill_tree() {
        local child
        for child in $(pgrep -P "$1"); do
                [ "$child" = "$BASHPID" ] && continue
                kill_tree "$child"
                kill -TERM "$child" 2>/dev/null
        done
}

# limited SECONDS CMD...: its exit code, 124 when it had to be ended; an interrupt does not wait for it.
limited() {
        timeout --kill-after=20 "$@" </dev/null &
        wait $!
}

# report NAME SECONDS: the line about a finished program.
report() {
        local lines=$RESULTS/$1.lines skipped
        skipped=$(grep -c '^SKIP' "$lines")
        [ "$skipped" = 0 ] && skipped="" || skipped=", $skipped skipped"
        say "$(printf '%-44s %3d passed, %d failed%s (%d s)' "$1" "$(grep -c '^PASS' "$lines")" \
                "$(grep -c '^FAIL' "$lines")" "$skipped" "$2")"
}

# one_test NAME LIMIT_S CMD...: runs CMD and judges it.
one_test() {
        local name=$1 limit=$2 code=0 t0=$SECONDS
        shift 2
        limited "$limit" "$@" >"$RESULTS/$name.out" 2>&1 || code=$?
        judge_one "$name" $code $((SECONDS - t0)) "$limit"
}

# judge_one NAME CODE SECONDS LIMIT_S: its own PASS/FAIL lines are taken, with the prefix; a command that prints none
# counts as one test by its exit code; one that prints passes but exits non-zero has failed.
judge_one() {
        local name=$1 code=$2 lines=$RESULTS/$1.lines
        grep -E '^(PASS|FAIL|SKIP) ' "$RESULTS/$name.out" | sed "s/^\(PASS\|FAIL\|SKIP\) /\1 ${PREFIX}/" >"$lines"
        if [ "$code" != 0 ] && ! grep -q '^FAIL ' "$lines"; then
                if [ "$code" = 124 ]; then
                        echo "FAIL $name: no end within $4 s, see build/test-results/$name.out" >>"$lines"
                else
                        echo "FAIL $name: exit code $code, see build/test-results/$name.out" >>"$lines"
                fi
        elif [ ! -s "$lines" ]; then
                echo "PASS $name" >"$lines"
        fi
        report "$name" "$3"
}

# Unit tests speak TAP (cmocka); a line "# proves IDS" follows the assertions it stands for.
unit_test() {
        local name=$1 program=$2 code=0 t0=$SECONDS
        CMOCKA_MESSAGE_OUTPUT=TAP limited 300 "$program" >"$RESULTS/$name.out" 2>&1 || code=$?
        judge_unit "$name" $code $((SECONDS - t0))
}

# judge_unit NAME CODE SECONDS
judge_unit() {
        local name=$1
        awk -v base="$name" -v code="$2" '
                /^PROVES / { sub(/^PROVES /, ""); ids = ids " " $0; next }
                /^ok [0-9]+ - /     { n++; print "PASS " base "." $4 ids; ids = ""; next }
                /^not ok [0-9]+ # SKIP / { skipped++; print "SKIP " base "." $6; next }
                /^not ok [0-9]+ - / { bad++; print "FAIL " base "." $5 ": see build/test-results/" base ".out"; ids = "" }
                END {
                        if (code != 0 && !bad) print "FAIL " base ": exit code " code ", see build/test-results/" base ".out"
                        else if (!n && !bad && !skipped) print "FAIL " base ": no test ran"
                }' "$RESULTS/$name.out" >"$RESULTS/$name.lines"
        report "$name" "$3"
}

# What stands in for AddressSanitizer inside User-Mode Linux, whose processes have 39 bits of address space and not its 47.
MEMCHECK="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
MEMCHECK="$MEMCHECK --soname-synonyms=somalloc=*jemalloc*"

# kernel_tests NAME...: all of them in one machine with IPsec (tests/kernel/run.sh); those that did not run have failed, or
# are skipped where there is no such machine.
kernel_tests() {
        local name test code=0 why dir=$RESULTS/${PREFIX}kernel out=$RESULTS/${PREFIX}kernel.out limit=1800 one
        if [ "$PREFIX" = asan. ] && [ "$("$ROOT/tests/kernel/run.sh" --why)" = "in User-Mode Linux" ]; then
                built release || return
                export QUINTET_BUILD=$ROOT/build/release QUINTET_BIN=$ROOT/build/release/bin QUINTET_MEMCHECK=$MEMCHECK
        fi
        mkdir -p "$dir"
        limited $((limit + 60)) "$ROOT/tests/kernel/run.sh" --limit $limit --mem 2G --results "$dir" "$@" >"$out" 2>&1 || code=$?
        why=$(sed -n 's/^SKIP kernel: //p' "$out")
        [ $code != 77 ] || say "${PREFIX}kernel: skipped: $why"
        for name in "$@"; do
                test=${PREFIX}kernel.$name
                if [ $code = 77 ]; then
                        echo "SKIP $test: $why" >"$RESULTS/$test.lines"
                        continue
                fi
                cp "$dir/$name.out" "$RESULTS/$test.out" 2>/dev/null || cp "$out" "$RESULTS/$test.out"
                one=("$test" "$(cat "$dir/$name.code" 2>/dev/null || echo 125)" "$(cat "$dir/$name.seconds" 2>/dev/null || echo 0)")
                if [ -f "$ROOT/tests/kernel/$name.lua" ]; then judge_one "${one[@]}" 500; else judge_unit "${one[@]}"; fi
        done
}

# kernel_names DIR: those that are wanted, one a line; DIR is that of the build. With sanitizers: scenarios that ask for it by
# a line "-- under memcheck too", and the programs.
kernel_names() {
        local f name
        for f in "$ROOT"/tests/kernel/*.lua "$1"/tests/kernel_*; do
                [ -f "$f" ] || continue
                name=$(basename "${f##*/kernel_}" .lua)
                if [ "$PREFIX" = asan. ] && [[ $f = *.lua ]] && ! grep -q '^-- under memcheck too' "$f"; then continue; fi
                if [[ $f != *.lua ]] && [ ! -x "$f" ]; then continue; fi
                wanted "${PREFIX}kernel.$name" && echo "$name"
        done
}

# parallel JOBS: reads lines "FUNCTION<tab>ARG<tab>..." and runs that many at a time.
parallel() {
        local jobs=$1 job=() running=0
        trap 'kill_tree "$BASHPID"; exit 130' INT TERM
        while IFS=$'\t' read -r -a job; do
                "${job[@]}" &
                running=$((running + 1))
                if [ $running -ge "$jobs" ]; then
                        wait -n
                        running=$((running - 1))
                fi
        done
        wait
}

# job WORD...: one line for parallel.
job() {
        local IFS=$'\t'
        printf '%s\n' "$*"
}

wanted() {
        # shellcheck disable=SC2254
        case $1 in $ONLY) return 0 ;; *) return 1 ;; esac
}

# built PRESET: builds; a failure is a failed test.
built() {
        say "== building ($1)"
        (build "$1") && return 0
        echo "FAIL build.$1: see build/build-$1.log" >"$RESULTS/build.$1.lines"
        return 1
}

# suite_use PRESET PREFIX: the programs of that build are what is tested from here on.
suite_use() {
        PREFIX=$2
        export QUINTET_BIN=$ROOT/build/$1/bin QUINTET_BUILD=$ROOT/build/$1 QUINTET_ROOT=$ROOT
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:handle_abort=1
        export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
}

# run_units: the unit tests of that build, two at a time.
run_units() {
        local f name
        for f in "$QUINTET_BUILD"/tests/unit_*; do
                { [ -x "$f" ] && [ -f "$f" ]; } || continue
                name=${f##*/unit_}
                name=${PREFIX}unit.${name/_/.}
                wanted "$name" && job unit_test "$name" "$f"
        done | parallel 2 &
        wait $!
}

# interop_tests: programs nobody here wrote, and the examples of the documents, one after the other: each expects the
# machine's rates for itself, and the lab of the examples has a fixed name.
interop_tests() {
        local f name
        for f in "$ROOT"/tests/interop/*/run.sh "$ROOT"/tests/docs/run.sh "$ROOT"/tests/style/run.sh; do
                [ -f "$f" ] || continue
                name=$(basename "$(dirname "$f")")
                [ "$PREFIX$name" = asan.style ] && continue # nothing is run there
                case $name in docs | style) ;; *) name=interop.$name ;; esac
                wanted "$PREFIX$name" && one_test "$PREFIX$name" 600 bash "$f"
        done
}

# chain_jobs: the kernel tests in one machine, and the interop tests in a row; the longest first.
chain_jobs() {
        local kernel
        mapfile -t kernel < <(kernel_names "$QUINTET_BUILD")
        [ ${#kernel[@]} = 0 ] || job kernel_tests "${kernel[@]}"
        job interop_tests
}

# flow_jobs: flows, and the seeds of the fuzz targets, each with fixed mutations.
flow_jobs() {
        local f name
        for f in "$ROOT"/tests/flows/*.lua; do
                name=${PREFIX}flows.$(basename "$f" .lua)
                wanted "$name" && job one_test "$name" 300 "$QUINTET_BIN/ue" run "$f"
        done
        for f in "$QUINTET_BUILD"/tests/flow_*; do
                { [ -x "$f" ] && [ -f "$f" ]; } || continue
                name=${PREFIX}flows.${f##*/flow_}
                wanted "$name" && job one_test "$name" 300 "$f"
        done
        for f in "$QUINTET_BUILD"/tests/fuzz_*; do
                { [ -x "$f" ] && [ -f "$f" ]; } || continue
                name=${PREFIX}replay.${f##*/fuzz_}
                wanted "$name" && job one_test "$name" 300 "$f" -m 100 "$ROOT/tests/fuzz/corpus/${f##*/fuzz_}"
        done
}

# fuzz_jobs: replays every corpus and fuzzes each target (QUINTET_FUZZ_SECONDS); a crash leaves its input beside the
# results.
fuzz_jobs() {
        local name seconds=${QUINTET_FUZZ_SECONDS:-12}
        for name in $(fuzz_targets); do
                wanted "fuzz.$name" || continue
                fuzz_command "$name" "$seconds" "$RESULTS/crash-$name-"
                job one_test "fuzz.$name" $((seconds + 120)) nice -n 10 "${FUZZ[@]}" # others wait for time, it takes any
        done
}

# in_turn FILE FILE: a line of the one, a line of the other, as long as there are any.
in_turn() { paste -d '\n' "$1" "$2" | sed '/^$/d'; }

# run_suites SUITE...: release, then asan and fuzz. Flows wait for most of their time and the kernel tests keep one
# processor busy, so other work is done beside them: the other builds beside the tests of the release build, fuzzing
# beside those of the build with sanitizers.
run_suites() {
        local suites=" $* " later=() p
        for p in asan fuzz; do [[ $suites != *" $p "* ]] || later+=("$p"); done
        if [[ $suites = *" release "* ]] && built release; then
                say "== running (release)"
                suite_use release ""
                run_units
                (renice -n 10 "$BASHPID" >/dev/null; for p in "${later[@]}"; do built "$p"; done) &
                { chain_jobs; flow_jobs; } | parallel 3 &
                wait
        else
                for p in "${later[@]}"; do built "$p"; done
        fi
        for p in "${later[@]}"; do # built by now
                [ -s "$RESULTS/build.$p.lines" ] && suites=${suites/ $p / }
        done
        : >"$RESULTS/flows.jobs" >"$RESULTS/fuzz.jobs"
        [ ${#later[@]} = 0 ] || say "== running (${later[*]})"
        if [[ $suites = *" fuzz "* ]]; then fuzz_jobs >"$RESULTS/fuzz.jobs"; fi
        if [[ $suites = *" asan "* ]]; then
                suite_use asan asan.
                run_units
                flow_jobs >"$RESULTS/flows.jobs"
                chain_jobs >"$RESULTS/chain.jobs"
        fi
        { cat "$RESULTS/chain.jobs"; in_turn "$RESULTS/fuzz.jobs" "$RESULTS/flows.jobs"; } 2>/dev/null | parallel 3 &
        wait $!
}
