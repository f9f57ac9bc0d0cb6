#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The measuring programs do what they say: sip_load's phones come and go without a failure and notice a wrong key,
# scripts/bench prints every figure (those of IPsec too), and the messages that the floor passes are those of a real registration.
. "$(dirname "$0")/../lib/lab.sh"
TOOLS=$(dirname "$QUINTET_BIN")/tests

load() { lab exec ue "$TOOLS/sip_load" --to "$(lab address pcscf):5060" --from "$(lab address ue)" --sources 1 "$@"; }

# value FILE NAME
value() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# phases NAME ARGS...: a generator that must not fail, with everybody gone at the end.
phases() {
        local name=$1
        shift
        if load "$@" >"$WORK/$name.txt" 2>"$WORK/$name.err" && [ "$(value "$WORK/$name.txt" registered)" = 0 ]; then
                pass "$name"
        else
                fail "$name" "$(grep -E 'failed|registered' "$WORK/$name.txt" | paste -sd' ') $(tail -2 "$WORK/$name.err" | paste -sd' ')"
        fi
}

# connections_to FILE: a command that counts those over TLS.
connections_to() { echo "ss -Htn state established dport = :5061 | wc -l >'$1'"; }

generator() {
        local left
        "$TOOLS/sip_load" --subscribers 100 --write-csv "$WORK/subscribers.csv"
        lab_begin
        lab exec hss hss subscriber import "$WORK/subscribers.csv" >"$WORK/import.log" 2>&1 || fail import "$(tail -1 "$WORK/import.log")"
        phases udp --subscribers 100 --rate "$(rate 100)" --phases register,refresh,deregister
        phases tcp --csv "$WORK/subscribers.csv" --rate "$(rate 100)" --tcp --poisson --phases register,refresh,deregister
        "$TOOLS/sip_load" --digest --first 1000 --subscribers 100 --write-csv "$WORK/digest.csv"
        lab exec hss hss subscriber import "$WORK/digest.csv" >"$WORK/import.log" 2>&1 || fail import "$(tail -1 "$WORK/import.log")"
        phases digest --digest --first 1000 --subscribers 100 --rate "$(rate 100)" --phases register,refresh,deregister
        phases tls --digest --first 1000 --subscribers 100 --rate "$(rate 100)" --phases register,refresh,deregister \
                --to "$(lab address pcscf):5061" --tls "$QUINTET_LAB_DIR/tls/ca.pem" \
                --before "$(connections_to "$WORK/before")" --after "$(connections_to "$WORK/after")"
        # as many before the first message as after the last: a profile has no handshake in it
        if [ "$(cat "$WORK/before" "$WORK/after" | paste -sd/)" = 100/100 ]; then pass around
        else fail around "$(cat "$WORK/before") connections before, $(cat "$WORK/after") after"; fi
        phases churn --subscribers 100 --rate "$(rate 100)" --duration 2 --phases churn,deregister
        left=$(lab exec hss hss state --json 2>/dev/null | grep -c '"registered":true')
        [ "$left" = 0 ] || fail nobody_left "$left are still registered in the HSS"
        # keys of another seed are not those of the HSS: every challenge shows it, nobody is let in
        load --subscribers 20 --seed 2 --rate "$(rate 100)" >"$WORK/seed.txt"
        if [ "$(value "$WORK/seed.txt" register.failed_mac_wrong)/$(value "$WORK/seed.txt" registered)" = 20/0 ]; then
                pass wrong_key
        else
                fail wrong_key "$(grep -E 'failed|registered' "$WORK/seed.txt" | paste -sd' ')"
        fi
        judge_capture
        lab_end
}

# json KEY: what it holds; sqlite3 reads JSON.
json() { sqlite3 :memory: "SELECT json_extract(readfile('$WORK/bench.json'), '\$.$1')"; }

figures() {
        local key missing="" sum
        bench register --subscribers 200 --rate 100 --seconds 2 --json >"$WORK/bench.json" 2>"$WORK/bench.err" || {
                fail figures "$(tail -3 "$WORK/bench.err" | paste -sd' ')"
                return
        }
        for key in registrations_per_s failed p50_ms p99_ms cpu_us_per_registration floor_ratio bytes_per_user_scscf \
                bytes_per_user_pcscf mar_per_s cpu_us_by_node.{pcscf,icscf,scscf,hss}; do
                [[ $(json $key) =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || missing="$missing $key"
        done
        [ -z "$missing" ] || { fail figures "no number for:$missing"; return; }
        sum=$(json "cpu_us_by_node.pcscf') + json_extract(readfile('$WORK/bench.json'), '\$.cpu_us_by_node.icscf') +
                json_extract(readfile('$WORK/bench.json'), '\$.cpu_us_by_node.scscf') +
                json_extract(readfile('$WORK/bench.json'), '\$.cpu_us_by_node.hss")
        # each is rounded to a tenth
        if [ "$(json failed)" != 0 ]; then fail figures "$(json failed) registrations failed"
        elif ! awk -v a="$sum" -v b="$(json cpu_us_per_registration)" 'BEGIN { exit !(b > 0 && a - b < 0.5 && b - a < 0.5) }'; then
                fail figures "$(json cpu_us_per_registration) us are not the $sum us of the nodes"
        elif ! awk -v m="$(json mar_per_s)" -v f="$(json floor_ratio)" 'BEGIN { exit !(m > 0 && f > 0) }'; then
                fail figures "mar_per_s $(json mar_per_s), floor_ratio $(json floor_ratio)"
        else pass figures; fi
}

# Registrations over ESP, where there is a kernel for them: every figure is there, nobody failed, SAs cost something.
ipsec() {
        local key missing="" code=0 n
        bench ipsec --live 5,10 --rounds 1 --batch 30 --rate 20 --json >"$WORK/bench.json" 2>"$WORK/ipsec.err" || code=$?
        case $code in
        0) ;;
        77) echo "SKIP $TEST.ipsec: $(sed -n 's/^SKIP kernel: //p' "$WORK/ipsec.err")"; return ;;
        *) fail ipsec "exit code $code: $(tail -3 "$WORK/ipsec.err" | paste -sd' ')"; return ;;
        esac
        for n in live_5 live_10; do
                for key in sets_per_s install_us remove_us ue_sa_us ratio_whole {secure,plain}.{registrations_per_s,whole_us,p50_ms,p99_ms}; do
                        [[ $(json $n.$key) =~ ^[0-9]*[1-9][0-9.]*$|^0\.[0-9]*[1-9][0-9]*$ ]] || missing="$missing $n.$key"
                done
        done
        for key in growth_pcscf growth_whole live_{5,10}.ratio_pcscf live_10.{secure,plain}.{cpu_us_pcscf,heap_bytes_per_ue,private_bytes_per_ue}; do
                [[ $(json $key) =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || missing="$missing $key"
        done
        if [ -n "$missing" ]; then fail ipsec "no number for:$missing"
        elif [ "$(json failed)/$(json rate)" != 0/20 ]; then fail ipsec "$(json failed) failed at $(json rate)/s: $(grep failed "$WORK/ipsec.err" | paste -sd' ')"
        else pass ipsec; fi
}

# The floor's table against a registration that was captured: who, to whom, over what, and within 3 % how long.
messages() {
        [ "$(id -u)" = 0 ] || { echo "SKIP $TEST.messages: capturing needs root"; return; }
        bench messages --subscribers 200 >"$WORK/messages.csv" 2>"$WORK/messages.err" || {
                fail messages "$(tail -3 "$WORK/messages.err" | paste -sd' ')"
                return
        }
        local bad
        bad=$(paste -d, "$ROOT/tests/bench/floor/messages.csv" "$WORK/messages.csv" | awk -F, '
                NR > 1 && ($1 != $6 || $2 != $7 || $3 != $8 || $5 != $10 || $4 > 1.03 * $9 || $9 > 1.03 * $4)')
        if [ -n "$bad" ]; then fail messages "the table differs from what was captured (scripts/bench messages writes it anew): $bad"
        elif [ "$(wc -l <"$WORK/messages.csv")" != 21 ]; then fail messages "$(wc -l <"$WORK/messages.csv") lines captured"
        else pass messages; fi
}

bench() { (unset QUINTET_LAB_DIR QUINTET_LAB_NAME && QUINTET_BENCH_DIR=$WORK/bench "$ROOT/scripts/bench" "$@"); }

generator
if [ -e "$TOOLS/bench_heap.so" ]; then
        figures
        messages
        ipsec
fi
