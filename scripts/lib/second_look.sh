# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What failed while other tests ran beside it is run once more when nothing does: two busy processors may have been the reason. What
# passes then counts as passed and is told as UNSTABLE, with what it said at first, which stays in $RESULTS/first.

SECOND_LOOK_MAX=3 # programs; when more fail, the machine is not the reason

# conclusive NAME: true when no second look can excuse it: a crash, or a finding of a sanitizer or of memcheck.
conclusive() {
        grep -qE '(Address|Leak|UndefinedBehavior)Sanitizer|runtime error:|with signal|core dumped|^==[0-9]+==|with code 99|exit code (99|12[6-9]|1[3-9][0-9])' \
                "$RESULTS/$1.out" "$RESULTS/$1.lines"
}

# look_again NAME: runs one program of the kinds that depend on time, alone.
look_again() (
        ONLY=$1
        case $1 in asan.*) suite_use asan asan. ;; *) suite_use release "" ;; esac
        case ${1#asan.} in
        unit.*) run_units ;;
        flows.*) flow_jobs | parallel 1 ;;
        kernel.* | interop.*) chain_jobs | parallel 1 ;;
        esac
)

# second_look: at every program whose kind depends on time and whose failure may have come of it.
second_look() {
        local name failed=()
        mapfile -t failed < <(cd "$RESULTS" && grep -l '^FAIL ' -- *.lines | sed 's/\.lines$//')
        [ ${#failed[@]} -gt 0 ] && [ ${#failed[@]} -le $SECOND_LOOK_MAX ] || return 0
        for name in "${failed[@]}"; do
                case ${name#asan.} in unit.* | flows.* | kernel.* | interop.*) ;; *) continue ;; esac
                conclusive "$name" && continue
                say "== once more, alone: $name"
                mkdir -p "$RESULTS/first" && cp "$RESULTS/$name.lines" "$RESULTS/$name.out" "$RESULTS/first/" || return
                look_again "$name"
                grep -q '^FAIL ' "$RESULTS/$name.lines" || sed -n 's/^FAIL /UNSTABLE /p' "$RESULTS/first/$name.lines" >>"$RESULTS/$name.lines"
        done
}
