#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIPp registers, re-registers and de-registers 1,000 subscribers with AKAv1-MD5, over UDP and over TCP.
#
# SIPp 3.6.1 takes K, OP and AMF as printable text, and cuts RES at a zero octet (3.1 % of challenges): the
# scenario then draws a 403 and asks for a second challenge. Any other failure is ours.
. "$(dirname "$0")/../lib/lab.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
DOMAIN=ims.mnc001.mcc001.3gppnetwork.org
N=${QUINTET_SIPP_UES:-1000}
RATE=${QUINTET_SIPP_RATE:-150}

# Subscribers: the CSV for the HSS (hex) and the one for SIPp (text) of the same keys. Printable and without
# a semicolon, which ends a field in SIPp.
make_subscribers() {
        awk -v n="$N" -v domain="$DOMAIN" -v hss="$WORK/hss.csv" -v sipp="$WORK/sipp.csv" '
                function hex(s,  i, out) { for (i = 1; i <= length(s); i++) out = out sprintf("%02x", ord[substr(s, i, 1)]); return out }
                function text(  i, out) { for (i = 0; i < 16; i++) out = out substr(alphabet, int(rand() * 61) + 1, 1); return out }
                BEGIN {
                        for (i = 32; i < 127; i++) ord[sprintf("%c", i)] = i
                        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz123456789" # 0x would mean hex to SIPp
                        srand(20)
                        print "imsi,msisdn,k,op,amf" >hss
                        print "SEQUENTIAL" >sipp
                        for (i = 0; i < n; i++) {
                                imsi = sprintf("0010101%08d", i); k = text(); op = text()
                                printf "%s,1666%07d,%s,%s,%s\n", imsi, i, hex(k), hex(op), hex("aB") >hss
                                printf "%s@%s;[authentication username=%s@%s aka_K=%s aka_OP=%s aka_AMF=aB];%s\n", imsi, domain,
                                        imsi, domain, k, op, imsi >sipp
                        }
                }'
}

# one_run NAME SIPP-ARGS...: all subscribers through the scenario once.
one_run() {
        local name=$1 pcscf code=0 stat fine failed
        shift
        pcscf=$(lab address pcscf)
        lab exec ue sipp "$pcscf:5060" -sf "$HERE/register.xml" -inf "$WORK/sipp.csv" -i "$(lab address ue)" \
                -p 5070 -m "$N" -r "$RATE" -l 400 -auth_uri "$DOMAIN" -nostdin -timeout 240 -timeout_error \
                -trace_err -error_file "$WORK/$name.err" -trace_stat -stf "$WORK/$name.stat" -fd 5 "$@" \
                >"$WORK/$name.log" 2>&1 || code=$?
        stat=$(tail -1 "$WORK/$name.stat" 2>/dev/null)
        fine=$(awk -F';' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { print $c["SuccessfulCall(C)"] }' "$WORK/$name.stat" 2>/dev/null)
        failed=$(awk -F';' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { print $c["FailedCall(C)"] }' "$WORK/$name.stat" 2>/dev/null)
        if [ "$code" = 0 ] && [ "$fine" = "$N" ] && [ "$failed" = 0 ]; then
                echo "$name: $fine of $N subscribers registered, re-registered and de-registered"
                pass "$name" "AKA-031 AKA-033"
        else
                fail "$name" "exit $code, ${fine:-0} of $N well, ${failed:-?} failed: $(head -3 "$WORK/$name.err" 2>/dev/null | paste -sd' ')"
        fi
}

make_subscribers
lab_begin
lab exec hss hss subscriber import "$WORK/hss.csv" >"$WORK/import.log" 2>&1 ||
        { fail import "$(tail -3 "$WORK/import.log" | paste -sd' ')"; exit 1; }
one_run udp -t u1
one_run tcp -t t1
left=$(lab exec hss hss state --json 2>/dev/null | grep -c '"registered":true')
if [ "$left" = 0 ]; then pass nothing_left_registered; else fail nothing_left_registered "$left identities are still registered"; fi
judge_capture
lab_end
