#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the examples of the documents: every ```sh block marked <!-- test --> line by line, every marked ```lua
# block as a scenario. Each document has a new lab of its own, which is up unless its first line brings it up.
. "$(dirname "$0")/../interop/lib/lab.sh"
# shellcheck disable=SC2034 # of lab.sh
TEST=docs

# blocks FILE LANG: the marked blocks of a language, each line with the block's number in front.
blocks() {
        awk -v lang="$2" '
                /^<!-- test -->$/ { marked = 1; next }
                /^```/ { if (inside) { inside = 0; next } if (marked && $0 == "```" lang) { inside = 1; n++ } marked = 0; next }
                inside { print n "\t" $0 }' "$1"
}

# run_lines NAME FILE: the shell examples of a document.
run_lines() {
        local name=$1 line count=0 commands
        commands=$(blocks "$2" sh | cut -f2- | grep -v '^$\|^#')
        [ -n "$commands" ] || return 0
        [[ $commands = "scripts/lab up"* ]] || lab up >"$WORK/up.log" 2>&1
        while read -r line; do
                count=$((count + 1))
                (cd "$ROOT" && PATH="$QUINTET_BIN:$PATH" timeout 120 bash -o pipefail -c "$line") >"$WORK/out" 2>&1 </dev/null ||
                        { fail "$name" "'$line' ends with $?: $(tail -3 "$WORK/out" | paste -sd' ')"; return; }
        done <<<"$commands"
        pass "$name"
}

# run_scenarios NAME FILE: the Lua examples of a document.
run_scenarios() {
        local name=$1 i last
        last=$(blocks "$2" lua | tail -1 | cut -f1)
        [ -z "$last" ] || lab up >"$WORK/up.log" 2>&1
        for ((i = 1; i <= ${last:-0}; i++)); do
                blocks "$2" lua | awk -F'\t' -v n=$i '$1 == n { sub(/^[0-9]+\t/, ""); print }' >"$WORK/example-$i.lua"
                if lab exec ue ue run "$WORK/example-$i.lua" >"$WORK/out" 2>&1; then pass "$name.lua$i"
                else fail "$name.lua$i" "$(tail -3 "$WORK/out" | paste -sd' ')"; fi
        done
}

for doc in "$ROOT"/README.md "$ROOT"/docs/*.md; do
        lab down --clean >/dev/null 2>&1
        run_lines "$(basename "$doc" .md)" "$doc"
        run_scenarios "$(basename "$doc" .md)" "$doc"
        # links to files of the tree lead somewhere
        while read -r link; do
                [ -e "$(dirname "$doc")/$link" ] || fail "$(basename "$doc" .md).links" "$link is not there"
        done < <(grep -o '](\([^)#:]*\)[#)]' "$doc" | sed 's/^](//; s/[#)]$//' | grep . | sort -u)
done

# every cause a verdict can have is explained
unknown=$(sed -n 's/^ *X(\([a-z_]*\), ".*/\1/p' "$ROOT/common/trace/verdict.h" | while read -r cause; do
        grep -q "^| \`$cause\` |" "$ROOT/docs/verdicts.md" || echo "$cause"
done | paste -sd' ')
if [ -z "$unknown" ]; then pass verdicts; else fail verdicts "not in docs/verdicts.md: $unknown"; fi
