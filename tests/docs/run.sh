#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the examples of the documents: every ```sh block marked <!-- test --> line by line against a lab of its
# own, every marked ```lua block as a scenario.
. "$(dirname "$0")/../interop/lib/lab.sh"
TEST=docs
PREFIX_BIN=$QUINTET_BIN

# blocks FILE LANG: the marked blocks of a language, each line with the block's number in front.
blocks() {
        awk -v lang="$2" '
                /^<!-- test -->$/ { marked = 1; next }
                /^```/ { if (inside) { inside = 0; next } if (marked && $0 == "```" lang) { inside = 1; n++ } marked = 0; next }
                inside { print n "\t" $0 }' "$1"
}

for doc in "$ROOT"/README.md "$ROOT"/docs/*.md; do
        name=$(basename "$doc" .md)
        code=0
        count=0
        while IFS=$'\t' read -r _ line; do
                case $line in '' | '#'*) continue ;; esac
                count=$((count + 1))
                (cd "$ROOT" && PATH="$PREFIX_BIN:$PATH" timeout 120 bash -c "$line") >"$WORK/out" 2>&1 </dev/null ||
                        { fail "$name" "'$line' ends with $?: $(tail -3 "$WORK/out" | paste -sd' ')"; code=1; break; }
        done < <(blocks "$doc" sh)
        [ $count -gt 0 ] && [ $code = 0 ] && pass "$name"
        last=$(blocks "$doc" lua | tail -1 | cut -f1)
        for ((i = 1; i <= ${last:-0}; i++)); do
                [ $i = 1 ] && { lab start >"$WORK/start.log" 2>&1; lab exec hss true; }
                blocks "$doc" lua | awk -F'\t' -v n=$i '$1 == n { sub(/^[0-9]+\t/, ""); print }' >"$WORK/example-$i.lua"
                if lab exec ue ue run "$WORK/example-$i.lua" >"$WORK/out" 2>&1; then pass "$name.lua$i"
                else fail "$name.lua$i" "$(tail -3 "$WORK/out" | paste -sd' ')"; fi
        done
done

# every cause a verdict can have is explained
for cause in $(sed -n 's/^ *X(\([a-z_]*\), ".*/\1/p' "$ROOT/common/trace/verdict.h"); do
        grep -q "^| \`$cause\` |" "$ROOT/docs/verdicts.md" || { fail verdicts "the cause $cause is not in docs/verdicts.md"; break; }
done && [ $FAILED = 0 ] && pass verdicts
