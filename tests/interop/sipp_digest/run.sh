#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIPp's own Digest (MD5) at the real nodes, over UDP and TCP: registrations whose nonces are used twice, wrong passwords, 407 of requests;
# a password is changed meanwhile. tshark judges every message, and the AVPs of SIP Digest on Cx.
. "$(dirname "$0")/../lib/lab.sh"
. "$(dirname "$0")/../lib/sipp.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
export QUINTET_LAB_HOOK=$HERE/hook.sh
URI=$DOMAIN # of the Digest; SIPp has one for a run
USERS=$WORK/sipp.csv
N=${QUINTET_SIPP_DIGEST_UES:-200}
RATE=${QUINTET_SIPP_RATE:-$(rate 100)}

# subscribers N: H(A1) for the HSS comes from md5sum, the password for SIPp is text.
subscribers() {
        local i user password ha1
        echo "imsi,msisdn,impi,impu,digest-ha1" >"$WORK/hss.csv"
        echo SEQUENTIAL >"$WORK/sipp.csv"
        for ((i = 1; i <= $1; i++)); do
                user=$(printf 'user%d@%s' "$i" "$DOMAIN") password=$(printf 'Pass_word_%x' $((i * 7919)))
                ha1=$(printf '%s:%s:%s' "$user" "$DOMAIN" "$password" | md5sum)
                printf '0010101%08d,1777%07d,%s,sip:%s,%s\n' "$i" "$i" "$user" "$user" "${ha1%% *}" >>"$WORK/hss.csv"
                printf '%s;%012d;[authentication username=%s password=%s];[authentication username=%s password=wrong]\n' \
                        "$user" "$i" "$user" "$password" "$user" >>"$WORK/sipp.csv"
        done
}

# run NAME IDS SCENARIO N SIPP-ARGS...
run() {
        local name=$1 ids=$2 scenario=$3 n=$4 code=0 fine failed
        shift 4
        cd "$WORK" || exit 1 # some of its files go where it is
        lab exec ue sipp "$(lab address pcscf):5060" -sf "$HERE/$scenario.xml" -inf "$USERS" -i "$(lab address ue)" -p 5070 \
                -m "$n" -r "$RATE" -l "$AT_ONCE" -max_socket 1000 -auth_uri "$URI" -nostdin -timeout 60 -timeout_error -trace_err \
                -error_file "$WORK/$name.err" -trace_stat -stf "$WORK/$name.stat" -fd 5 "$@" >"$WORK/$name.log" 2>&1 || code=$?
        fine=$(sipp_count "$name" 'SuccessfulCall(C)')
        failed=$(sipp_count "$name" 'FailedCall(C)')
        if [ "$code" = 0 ] && [ "$fine" = "$n" ] && [ "$failed" = 0 ]; then
                echo "$name: $fine of $n"
                pass "$name" "$ids"
        else
                fail "$name" "exit $code, ${fine:-0} of $n well, ${failed:-?} failed: $(head -3 "$WORK/$name.err" 2>/dev/null | paste -sd' ')"
        fi
}

# frames FILTER: how many of the capture.
frames() { tshark -r "$WORK/all.pcapng" -Y "$1" 2>/dev/null | wc -l; }

# What tshark reads in the AVPs of SIP Digest (TS 29.229 6.3.36 to 6.3.41): each MAA has them, one PPR and its PPA passed.
judge_cx() {
        local maa well ppr ppa
        [ -s "$WORK/all.pcapng" ] || { echo "SKIP $TEST.cx: capturing needs root"; return; }
        maa=$(frames 'diameter.cmd.code == 303 && diameter.flags.request == 0')
        well=$(frames "diameter.cmd.code == 303 && diameter.flags.request == 0 && diameter.SIP-Digest-Authenticate &&
                diameter.Digest-Realm == \"$DOMAIN\" && diameter.Digest-Algorithm == \"MD5\" && diameter.Digest-Qop == \"auth\" && diameter.Digest-HA1")
        ppr=$(frames 'diameter.cmd.code == 305 && diameter.SIP-Digest-Authenticate && diameter.User-Name')
        ppa=$(frames 'diameter.cmd.code == 305 && diameter.flags.request == 0 && diameter.Result-Code == 2001')
        if [ "$maa" -lt 1 ] || [ "$maa" != "$well" ]; then fail cx "$well of $maa MAA are well"
        elif [ "$ppr/$ppa" != 1/1 ]; then fail cx "$ppr PPR with H(A1) and $ppa PPA 2001, wanted one of each"
        else
                echo "$maa MAA and one PPR with the AVPs of SIP Digest"
                pass cx "DIG-017 DIG-061"
        fi
}

# requests TRANSPORT LETTER: 20 times, one after the other, from the address of a user who is registered: a new challenge makes the
# one before invalid.
requests() {
        local route
        run "stays_$1" "" stays 1 -t "${2}1" -trace_msg -message_file "$WORK/$1.messages"
        route=$(sed -n 's/^Service-Route: *\(<.*>\).*/\1/p' "$WORK/$1.messages" | tail -1)
        [ -n "$route" ] || { fail "requests_$1" "no Service-Route"; return; }
        sed -n 1,2p "$WORK/sipp.csv" >"$WORK/first.csv"
        USERS=$WORK/first.csv URI="nobody@$DOMAIN" run "requests_$1" "DIG-040 DIG-042 DIG-045" requests 20 -t "${2}n" -l 1 -key route "$route"
}

# The password of the user who stays is changed: the S-CSCF knows at once.
password_change() {
        local user="user1@$DOMAIN"
        lab exec hss hss subscriber set "$user" --password "another" >"$WORK/set.log" 2>&1 ||
                fail password_change "$(tail -2 "$WORK/set.log" | paste -sd' ')"
        grep -q 'pushed and accepted' "$WORK/set.log" || fail password_push "$(tail -2 "$WORK/set.log" | paste -sd' ')"
        sed -i "2s/password=[^]]*/password=another/" "$WORK/sipp.csv"
        run password_change "DIG-062" register 1 -t u1
}

subscribers "$N"
lab_begin
sipp_import
run register_udp "DIG-007 DIG-011 DIG-026 DIG-028 DIG-058" register "$N" -t u1
run register_tcp "DIG-007 DIG-011 DIG-026 DIG-028 DIG-058" register "$N" -t t1
run wrong_udp "DIG-026 DIG-053" wrong 20 -t u1
run wrong_tcp "DIG-026 DIG-053" wrong 20 -t t1
requests udp u
requests tcp t
password_change
nobody_left nothing_left_registered
judge_capture
judge_cx
lab_end
