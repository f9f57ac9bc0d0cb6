# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/bench ipsec: what a registration under IPsec costs beside one without, as more UEs are live.

# ipsec_options: defaults, and what does not fit together.
ipsec_options() {
        local n last=0

        [ -n "$LIVE" ] || die "--live takes numbers"
        for n in ${LIVE//,/ }; do
                number --live "$n"
                [ "$n" -gt "$last" ] || die "--live takes rising numbers"
                last=$n
        done
        [ "$last" -le 40000 ] || die "--live takes numbers up to 40000"
        # subscribers that come and go are others in each round; a few warm the nodes up
        SUBSCRIBERS=$((last + ROUNDS * 2 * BATCH + 20))
}

# cmd_ipsec: where the kernel has ESP, else in User-Mode Linux.
cmd_ipsec() {
        local code
        export QUINTET_BENCH_LIVE=$LIVE QUINTET_BENCH_ROUNDS=$ROUNDS QUINTET_BENCH_BATCH=$BATCH QUINTET_BENCH_RATE=$RATE \
                QUINTET_BENCH_SUBSCRIBERS=$SUBSCRIBERS QUINTET_BENCH_DIR=$BENCH_DIR QUINTET_BIN=$BIN UML_KEEP=$BENCH_DIR
        "$ROOT/tests/kernel/run.sh" --limit 7200 --mem 4G --shell "exec 2>&1; bash '$ROOT/scripts/lib/bench_ipsec_inside.sh' '$STORE' \
                '$BENCH_DIR/ipsec_rounds.txt'" | "$TOOLS/marks" "$BENCH_DIR/ipsec_marks.txt"
        code=${PIPESTATUS[0]}
        [ "$code" = 0 ] || exit "$code"
        ipsec_digest >"$BENCH_DIR/ipsec.txt"
        if [ "$JSON" = 1 ]; then ipsec_json; else ipsec_text; fi
}

# ipsec_digest: "KIND.NAME_LIVE VALUE", medians of the rounds. In User-Mode Linux time inside is that of the clock on the
# wall. What this machine really spent on it, read at the marks, is whole_us; its share of the time on the wall corrects
# what was counted as CPU inside. (The closed loop leaves no time idle; at a rate there is no such share.) Elsewhere
# whole_us is CPU of the nodes and of the generator.
ipsec_digest() {
        awk -v n_sets=$((ROUNDS * BATCH)) '
                FILENAME ~ /marks/ {
                        if ($1 == "sets") { at = "sets max " $2 " 1"; what = $3 }
                        else if ($2 ~ /^(max|rate|grow)$/) { at = $1 " " $2 " " $3 " " $4; next }
                        else if ($1 == "register") what = $2
                        else next
                        if (what == "open") cpu = $NF
                        else {
                                if (cpu >= 0 && at != "") spent[at] = $NF - cpu
                                at = "" # the next phase is of something else, or has its own name
                        }
                        next
                }
                { at = $1 " " $2 " " $3 " " $4 }
                $5 == "ok" { ok = $6; next }
                $5 == "achieved" && at in spent && ok > 0 {
                        add($1 "." $2 ".whole_us_" $3, spent[at] / 1000 / ok)
                        share[at] = spent[at] / 1e9 / (ok / $6)
                }
                $5 == "cpu_us" { nodes[at] = $6 }
                $5 == "own_cpu_us" && !(at in spent) { add($1 "." $2 ".whole_us_" $3, nodes[at] + $6) }
                $1 == "sets" && at in spent { sets[at] += $6; part[at, $5] = $6; next } # the sum is known, how it divides too
                $5 ~ /_us/ && $2 == "max" && at in share { $6 *= share[at] }
                { add($1 "." $2 "." $5 "_" $3, $6) }
                END {
                        for (i in part) {
                                split(i, k, SUBSEP)
                                split(k[1], f, " ")
                                add("sets.max." k[2] "_" f[3], spent[k[1]] / 1000 / n_sets * part[i] / sets[k[1]])
                        }
                }
                function add(name, v) { printf "%s %.6g\n", name, v | "sort -k1,1 -k2,2g" }
        ' "$BENCH_DIR/ipsec_marks.txt" "$BENCH_DIR/ipsec_rounds.txt" | awk '
                function done() { if (n) printf "%s %.6g\n", name, n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2 }
                $1 != name { done(); name = $1; n = 0 }
                { v[++n] = $2 }
                END { done() }'
}

ipsec_value() { value ipsec "$1"; }

# ipsec_growth NAME: from the least number of live UEs to the most.
ipsec_growth() { calc "$(ipsec_value "$1_${LIVE##*,}") / ($(ipsec_value "$1_${LIVE%%,*}") + 1e-9)"; }

# ipsec_ratio NAME: protected against unprotected.
ipsec_ratio() { calc "$(ipsec_value "secure.$1") / ($(ipsec_value "plain.$1") + 1e-9)"; }

ipsec_sets_per_s() { calc "1e6 / ($(ipsec_value "sets.max.install_us_$1") + $(ipsec_value "sets.max.remove_us_$1") + 1e-9)"; }

# ipsec_key KEY DIGITS NAME
ipsec_key() { printf '"%s": %s' "$1" "$(round "$2" "$(ipsec_value "$3")")"; }

ipsec_json_kind() {
        local k=$1 n=$2
        printf '\n  "%s": {' "$k"
        ipsec_key registrations_per_s 0 "$k.max.achieved_$n"
        printf ', '; ipsec_key cpu_us_pcscf 1 "$k.max.cpu_us_pcscf_$n"
        printf ', '; ipsec_key cpu_us_nodes 1 "$k.max.cpu_us_$n"
        printf ', '; ipsec_key generator_cpu_us 1 "$k.max.own_cpu_us_$n"
        printf ', '; ipsec_key whole_us 1 "$k.max.whole_us_$n"
        printf ', '; ipsec_key p50_ms 2 "$k.rate.p50_ms_$n"
        printf ', '; ipsec_key p99_ms 2 "$k.rate.p99_ms_$n"
        printf ', '; ipsec_key heap_bytes_per_ue 0 "$k.grow.heap_$n"
        printf ', '; ipsec_key private_bytes_per_ue 0 "$k.grow.private_$n"
        printf '}'
}

ipsec_json() {
        local n k
        printf '{"uml": %s, "live": [%s], ' "$(ipsec_value all.all.uml_0)" "$LIVE"
        ipsec_key rate 0 all.all.rate_0
        printf ', '; ipsec_key failed 0 all.all.failed_0
        printf ',\n "growth_pcscf": %s, "growth_whole": %s' "$(round 2 "$(ipsec_growth secure.max.cpu_us_pcscf)")" \
                "$(round 2 "$(ipsec_growth secure.max.whole_us)")"
        printf ', "growth_pcscf_unprotected": %s, "growth_whole_unprotected": %s' \
                "$(round 2 "$(ipsec_growth plain.max.cpu_us_pcscf)")" "$(round 2 "$(ipsec_growth plain.max.whole_us)")"
        for n in ${LIVE//,/ }; do
                printf ',\n "live_%s": {"sets_per_s": %s, ' "$n" "$(round 0 "$(ipsec_sets_per_s "$n")")"
                ipsec_key install_us 1 "sets.max.install_us_$n"
                printf ', '; ipsec_key remove_us 1 "sets.max.remove_us_$n"
                printf ', '; ipsec_key ue_sa_us 1 "secure.max.ue_sa_us_$n"
                printf ', "ratio_pcscf": %s, "ratio_whole": %s,' "$(round 2 "$(ipsec_ratio "max.cpu_us_pcscf_$n")")" \
                        "$(round 2 "$(ipsec_ratio "max.whole_us_$n")")"
                for k in secure plain; do
                        ipsec_json_kind $k "$n"
                        [ $k = plain ] || printf ','
                done
                printf '}'
        done
        printf '}\n'
}

# ipsec_line TEXT DIGITS NAME UNIT: a figure, protected and unprotected.
ipsec_line() {
        line "  $1" "$(round "$2" "$(ipsec_value "secure.$3")")$4; unprotected $(round "$2" "$(ipsec_value "plain.$3")")$4" ""
}

ipsec_text() {
        local n rate
        rate=$(ipsec_value all.all.rate_0)
        [ "$(ipsec_value all.all.uml_0)" = 0 ] || say "In User-Mode Linux, with one CPU: whatever calls the kernel costs several" \
                "times what it costs elsewhere, with IPsec and without."
        for n in ${LIVE//,/ }; do
                say "$n live UEs"
                line "  sets of four SAs/s, without SIP" "$(round 0 "$(ipsec_sets_per_s "$n")"): $(round 0 "$(ipsec_value "sets.max.install_us_$n")") us to install, $(round 0 "$(ipsec_value "sets.max.remove_us_$n")") us to remove" ""
                ipsec_line "registrations/s" 0 "max.achieved_$n" ""
                ipsec_line "CPU of the P-CSCF for each" 0 "max.cpu_us_pcscf_$n" " us"
                line "    protected against unprotected" "$(round 2 "$(ipsec_ratio "max.cpu_us_pcscf_$n")") times" ""
                ipsec_line "CPU of all, UE included" 0 "max.whole_us_$n" " us"
                line "    the SAs of the UE in that" "$(round 0 "$(ipsec_value "secure.max.ue_sa_us_$n")") us" ""
                ipsec_line "p50 at $rate/s" 1 "rate.p50_ms_$n" " ms"
                ipsec_line "p99" 1 "rate.p99_ms_$n" " ms"
                ipsec_line "bytes per live UE, P-CSCF" 0 "grow.private_$n" ""
                ipsec_line "  of its heap" 0 "grow.heap_$n" ""
        done
        line "failed" "$(round 0 "$(ipsec_value all.all.failed_0)")" "aim: 0"
        line "growth from ${LIVE%%,*} to ${LIVE##*,} live UEs, P-CSCF" "$(round 2 "$(ipsec_growth secure.max.cpu_us_pcscf)") times; unprotected $(round 2 "$(ipsec_growth plain.max.cpu_us_pcscf)")" "aim: 1.3 times"
        line "  of all" "$(round 2 "$(ipsec_growth secure.max.whole_us)") times; unprotected $(round 2 "$(ipsec_growth plain.max.whole_us)")" "aim: 1.3 times"
}
