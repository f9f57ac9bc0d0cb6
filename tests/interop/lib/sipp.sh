# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# SIPp as a crowd of phones that register, re-register and de-register with AKAv1-MD5. Sourced by
# tests/interop/*/run.sh after lab.sh.
#
# SIPp 3.6.1 takes K, OP and AMF as printable text, and cuts RES at a zero octet (3.1 % of challenges): the
# scenario then draws a 403 and asks for a second challenge. Any other failure is ours.
DOMAIN=ims.mnc001.mcc001.3gppnetwork.org

# sipp_subscribers N: the CSV for the HSS (hex) and the one for SIPp (text) of the same keys. Printable and
# without a semicolon, which ends a field in SIPp.
sipp_subscribers() {
        awk -v n="$1" -v domain="$DOMAIN" -v hss="$WORK/hss.csv" -v sipp="$WORK/sipp.csv" '
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

# sipp_import: the HSS learns the subscribers, or the test ends.
sipp_import() {
        lab exec hss hss subscriber import "$WORK/hss.csv" >"$WORK/import.log" 2>&1 ||
                { fail import "$(tail -3 "$WORK/import.log" | paste -sd' ')"; exit 1; }
}

# The crowd comes from one address, which the P-CSCF holds to 64 REGISTERs at once where the home network answers
# late: no more are under way, so that a slow machine makes it last longer and draws no 503.
AT_ONCE=60

# sipp_run NAME IDS N RATE SIPP-ARGS...: N subscribers through the scenario once.
sipp_run() {
        local name=$1 ids=$2 n=$3 rate=$4 pcscf code=0 fine failed
        shift 4
        pcscf=$(lab address pcscf)
        lab exec ue sipp "$pcscf:5060" -sf "$ROOT/tests/interop/sipp/register.xml" -inf "$WORK/sipp.csv" \
                -i "$(lab address ue)" -p 5070 -m "$n" -r "$rate" -l "$AT_ONCE" -auth_uri "$DOMAIN" -nostdin -timeout 240 \
                -timeout_error -trace_err -error_file "$WORK/$name.err" -trace_stat -stf "$WORK/$name.stat" -fd 5 "$@" \
                >"$WORK/$name.log" 2>&1 || code=$?
        fine=$(sipp_count "$name" 'SuccessfulCall(C)')
        failed=$(sipp_count "$name" 'FailedCall(C)')
        if [ "$code" = 0 ] && [ "$fine" = "$n" ] && [ "$failed" = 0 ]; then
                echo "$name: $fine of $n subscribers registered, re-registered and de-registered"
                pass "$name" "$ids"
        else
                fail "$name" "exit $code, ${fine:-0} of $n well, ${failed:-?} failed: $(head -3 "$WORK/$name.err" 2>/dev/null | paste -sd' ')"
        fi
}

# sipp_count NAME COLUMN: the last value of a statistic.
sipp_count() {
        awk -F';' -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { print $c[column] }' "$WORK/$1.stat" 2>/dev/null
}

# nobody_left NAME: everybody de-registered.
nobody_left() {
        local left
        left=$(lab exec hss hss state --json 2>/dev/null | grep -c '"registered":true')
        if [ "$left" = 0 ]; then pass "$1"; else fail "$1" "$left identities are still registered"; fi
}
