# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# How a fuzz target is run: for scripts/fuzz, and for a minute each by scripts/test.

# fuzz_targets: the names of all targets.
fuzz_targets() {
        local f
        for f in "$ROOT"/tests/fuzz/fuzz_*.c; do
                f=${f##*/fuzz_}
                echo "${f%.c}"
        done
}

# fuzz_dictionary NAME: the words of the language that the target reads, if it is one of words.
fuzz_dictionary() {
        local dir=$ROOT/tests/fuzz/dict
        case $1 in
        sip_* | register_*) echo "$dir/sip.dict" ;;
        *) [ ! -f "$dir/$1.dict" ] || echo "$dir/$1.dict" ;;
        esac
}

# fuzz_command NAME SECONDS CRASHES: FUZZ becomes the command that fuzzes one target, starting from the corpus of the
# tree and from what earlier runs found. New inputs go to build/, never into the tree; one that does harm, or takes
# ten seconds, becomes the file CRASHES and a hash.
fuzz_command() {
        local name=$1 found=$ROOT/build/fuzz/found/$1 dict
        dict=$(fuzz_dictionary "$name")
        mkdir -p "$found" "${3%/*}"
        FUZZ=("$ROOT/build/fuzz/tests/fuzz_$name" -max_total_time="$2" -timeout=10 -print_final_stats=1
                -artifact_prefix="$3" ${dict:+"-dict=$dict"} "$found" "$ROOT/tests/fuzz/corpus/$name")
}
