# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The result of scripts/bench for people and for programs.

# round N VALUE: N digits behind the point.
round() { awk -v n="$1" -v v="$2" 'BEGIN { printf "%.*f", n, v }' </dev/null; }

# cpu_by_node STEP: {"pcscf": 1.2, ...}
cpu_by_node() {
        local n list=""
        for n in pcscf icscf scscf hss; do list="$list, \"$n\": $(round 1 "$(value "$1" register.cpu_us_$n)")"; done
        echo "{${list#, }}"
}

floor_ratio() { calc "$(value "$1" register.cpu_us) / ($(value "floor_$1" floor.cpu_us) + 1e-9)"; }

# failed_all: registrations that failed in the runs the figures come from.
failed_all() {
        local step sum=0
        for step in max half memory_warm memory; do
                [ -f "$BENCH_DIR/$step.txt" ] || continue
                [ $step = half ] && [ -n "$RATE" ] || sum=$(calc "$sum + $(value $step register.failed)")
        done
        echo "$sum"
}

report_json() {
        cat <<J
{"scheme": "$SCHEME", "core": "$LAB_CORE", "registrations_per_s": $(round 0 "$(value max register.achieved)"),
 "failed": $(failed_all),
 "p50_ms": $(round 3 "$(value half register.p50_ms)"),
 "p99_ms": $(round 3 "$(value half register.p99_ms)"),
 "cpu_us_per_registration": $(round 1 "$(value max register.cpu_us)"),
 "cpu_us_by_node": $(cpu_by_node max),
 "floor_ratio": $(round 2 "$(floor_ratio max)"),
 "bytes_per_user_scscf": $(round 0 "$(value memory private_scscf)"),
 "bytes_per_user_pcscf": $(round 0 "$(value memory private_pcscf)"),
 "mar_per_s": $(round 0 "$(value cx mar.per_s)"),
 "floor_us": $(round 1 "$(value floor_max floor.cpu_us)"),
 "at_half": {"registrations_per_s": $(round 0 "$(value half register.achieved)"), "p999_ms": $(round 3 "$(value half register.p999_ms)"), "max_ms": $(round 3 "$(value half register.max_ms)"), "cpu_us_per_registration": $(round 1 "$(value half register.cpu_us)"), "cpu_us_by_node": $(cpu_by_node half), "floor_us": $(round 1 "$(value floor_half floor.cpu_us)"), "floor_ratio": $(round 2 "$(floor_ratio half)")},
 "generator_cpu_us": $(round 1 "$(value max register.own_cpu_us)"),
 "hss_cpu_us_per_mar": $(round 1 "$(value cx mar.cpu_us_hss)"),
 "heap_bytes_per_user_scscf": $(round 0 "$(value memory heap_scscf)"),
 "heap_bytes_per_user_pcscf": $(round 0 "$(value memory heap_pcscf)"),
 "registered": $REGISTERED, "subscribers": $SUBSCRIBERS, "import_s": $(cat "$STORE/import_s"),
 "machine": "$(nproc) CPUs, $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1 | tr -d '"\\'), Linux $(uname -r)"}
J
}

# line NAME VALUE AIM
line() { printf '%-42s %-44s %s\n' "$1" "$2" "$3"; }

# aim TEXT: the aims are those of IMS AKA.
aim() { [ "$SCHEME" != aka ] || echo "aim: $1"; }

split() {
        local n list=""
        for n in pcscf icscf scscf hss; do list="$list, $n $(round 0 "$(value "$1" register.cpu_us_$n)")"; done
        echo "${list#, }"
}

report_memory() {
        line "bytes per registered user, S-CSCF" "$(round 0 "$(value memory private_scscf)") (heap: $(round 0 "$(value memory heap_scscf)"))" "$(aim "2048")"
        line "bytes per registered user, P-CSCF" "$(round 0 "$(value memory private_pcscf)") (heap: $(round 0 "$(value memory heap_pcscf)"))" "$(aim "1024")"
}

report_text() {
        local s
        [ "$SCHEME" = aka ] || say "scheme: $SCHEME"
        [ "$LAB_CORE" = clear ] || say "Mw and Cx over TLS"
        line "registrations/s, $SUBSCRIBERS provisioned" "$(round 0 "$(value max register.achieved)")" "$(aim "2500 on 2 cores")"
        line "failed" "$(failed_all)" "aim: 0"
        line "p50, at $(round 0 "$(value half register.achieved)")/s" "$(round 2 "$(value half register.p50_ms)") ms" "$(aim "under 2 ms")"
        line "p99" "$(round 2 "$(value half register.p99_ms)") ms" "$(aim "under 10 ms")"
        for s in max half; do
                line "CPU per registration, at $(round 0 "$(value $s register.achieved)")/s" \
                        "$(round 0 "$(value $s register.cpu_us)") us: $(split $s)" "$(aim "400 us")"
                line "  of the floor ($(round 0 "$(value floor_$s floor.cpu_us)") us)" "$(round 2 "$(floor_ratio $s)") times" "$(aim "3 times")"
        done
        [ "$SCHEME" = tls ] || report_memory
        line "MAR/s of the HSS alone" "$(round 0 "$(value cx mar.per_s)") ($(round 1 "$(value cx mar.cpu_us_hss)") us each)" "$(aim "20000")"
        line "import of $SUBSCRIBERS subscribers" "$(cat "$STORE/import_s") s" "aim: 1,000,000 in 60 s"
}
