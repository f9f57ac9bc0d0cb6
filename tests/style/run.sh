#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How the code looks (.clang-format, sizes, headers), without building it. One line PASS or FAIL per rule;
# `tests/style/run.sh --fix` formats what deviates.
cd "$(dirname "$0")/../.." || exit 2
LINES_MAX=700
FUNCTION_MAX=80
CODE=0

mapfile -t SOURCES < <(git ls-files --cached --others --exclude-standard -- '*.c' '*.h' 2>/dev/null | sort -u)
for i in "${!SOURCES[@]}"; do [ -f "${SOURCES[$i]}" ] || unset "SOURCES[$i]"; done # removed, not committed
[ ${#SOURCES[@]} -gt 0 ] || mapfile -t SOURCES < <(find . -path ./build -prune -o -name '*.[ch]' -printf '%P\n' | sort)
HEADERS=()
for f in "${SOURCES[@]}"; do [[ $f = *.h ]] && HEADERS+=("$f"); done

# verdict RULE: what stands on stdin are the places that break it.
verdict() {
        local bad
        bad=$(head -20 | paste -sd' ')
        if [ -z "$bad" ]; then
                echo "PASS style.$1"
        else
                echo "FAIL style.$1: $bad"
                CODE=1
        fi
}

if [ "${1:-}" = --fix ]; then
        exec clang-format -i "${SOURCES[@]}"
fi

if command -v clang-format >/dev/null; then
        printf '%s\0' "${SOURCES[@]}" | xargs -0 -n 32 -P 2 clang-format --dry-run -Werror 2>&1 |
                sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: error.*/\1/p' | sort -u | verdict format
else
        echo "SKIP style.format: clang-format is not installed"
fi

grep -L 'SPDX-License-Identifier: BSD-3-Clause' "${SOURCES[@]}" | verdict licence
grep -L '^#pragma once' "${HEADERS[@]}" | verdict pragma_once
grep -nwE 'TODO|FIXME|XXX' "${SOURCES[@]}" | cut -d: -f1,2 | verdict nothing_left_open
wc -l "${SOURCES[@]}" | awk -v max=$LINES_MAX '$2 != "total" && $1 > max { print $2 ":" $1 }' | verdict file_size

# What a scenario opened is closed, and judged, at its end.
grep -L '^return test.finish()' tests/flows/*.lua tests/kernel/*.lua | verdict scenarios_end

# A function begins with "{" in the first column and ends with "}" there.
awk -v max=$FUNCTION_MAX '
        FNR == 1 { from = 0 }
        /^\{/ { from = FNR }
        /^\}/ { if (from && FNR - from - 1 > max) print FILENAME ":" from ":" FNR - from - 1; from = 0 }
' "${SOURCES[@]}" | verdict function_size

# Every header compiles alone. Those of the unit tests belong to their programs, which include cmocka before.
FLAGS=(-std=c11 -D_GNU_SOURCE -DTEST_DATA='""' -DQUINTET_VERSION='""' -I. -fsyntax-only -Wall -Wextra -x c)
for p in libuv lua5.4 libxml-2.0; do
        read -ra more < <(pkg-config --cflags "$p" 2>/dev/null)
        FLAGS+=("${more[@]}")
done
alone() {
        local h=$1
        shift
        # in a file of its own, so that the pragma is not in the main file
        printf '#include "%s"\n' "$h" | "${CC:-cc}" "$@" - >/dev/null 2>&1 || echo "$h"
}
export -f alone
printf '%s\n' "${HEADERS[@]}" | grep -v '^tests/unit/' |
        xargs -P 2 -I{} bash -c 'alone "$@"' _ {} "${FLAGS[@]}" | sort | verdict headers_alone

exit $CODE
