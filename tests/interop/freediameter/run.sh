#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock freeDiameterd with our dictionary as relay between two ends of Cx, as the peer that connects to us
# and as the peer that accepts us; tshark judges every message. Run as root (a network namespace of its own:
# freeDiameter does not listen on loopback addresses).
#
#       run.sh [PROGRAM-DIR [EXTENSION]]
#
# PROGRAM-DIR holds cx_peer (default: next to the programs in QUINTET_BIN), EXTENSION is dict_cx.fdx.
# Results are lines PASS NAME / FAIL NAME: why.
ROOT=$(cd "$(dirname "$0")/../../.." && pwd)
. "$ROOT/scripts/lib/wait.sh"
BUILD=$(cd "${QUINTET_BIN:-$ROOT/build/release/bin}/.." && pwd)
BIN=${1:-$BUILD/tests}
EXTENSION=${2:-$BUILD/freediameter/dict_cx.fdx}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/quintet-fd.XXXXXX")
NS=q-test-fd-$$
TEST=interop.freediameter
FAILED=0
PIDS=()
S_CSCF=10.77.0.1 RELAY=10.77.0.2 HSS=10.77.0.3
REALM=cx.example.org

pass() { echo "PASS $TEST.$1"; }
fail() { echo "FAIL $TEST.$1: ${*:2}"; FAILED=1; }
inside() { ip netns exec "$NS" "$@"; }

finish() {
        for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
        wait 2>/dev/null
        ip netns del "$NS" 2>/dev/null
        if [ $FAILED = 0 ]; then rm -rf "$WORK"; else echo "kept: $WORK"; fi
        exit $FAILED
}
trap finish EXIT
trap 'exit 1' INT TERM

# start NAME COMMAND...: in the namespace, output to NAME.log; its pid is in LAST.
start() {
        local name=$1
        shift
        ip netns exec "$NS" "$@" >"$WORK/$name.log" 2>&1 &
        LAST=$!
        PIDS+=("$LAST")
}

# stop PID: ends it and forgets it; its code is in CODE.
stop() {
        kill "$1" 2>/dev/null
        wait "$1" 2>/dev/null
        CODE=$?
        local rest=()
        for pid in "${PIDS[@]}"; do [ "$pid" = "$1" ] || rest+=("$pid"); done
        PIDS=("${rest[@]}")
}

# wait_for FILE TEXT: until the file holds it, at most 20 s, or until what was started last has ended.
wait_for() {
        wait_until 20 holds_or_ended "$1" "$2"
        grep -q "$2" "$1" 2>/dev/null
}
holds_or_ended() { grep -q "$2" "$1" 2>/dev/null || ! kill -0 "$LAST" 2>/dev/null; }

certificates() {
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=relay.$REALM" -keyout "$WORK/key.pem" \
                -out "$WORK/cert.pem" 2>/dev/null
        openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out "$WORK/dh.pem" 2>/dev/null
}

# An authority, and a certificate for each end; freeDiameter wants the name as CN.
tls_certificates() {
        local who
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Test CA" -addext basicConstraints=critical,CA:TRUE \
                -keyout "$WORK/ca.key" -out "$WORK/ca.pem" 2>/dev/null
        for who in relay hss scscf; do
                openssl req -newkey rsa:2048 -nodes -subj "/CN=$who.$REALM" -keyout "$WORK/$who.key" -out "$WORK/$who.csr" 2>/dev/null
                printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature,keyEncipherment\n' \
                        "$who.$REALM" >"$WORK/$who.ext"
                openssl x509 -req -in "$WORK/$who.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -set_serial $RANDOM -days 2 \
                        -extfile "$WORK/$who.ext" -out "$WORK/$who.pem" 2>/dev/null
        done
}

tls_of() { echo --tls-certificate "$WORK/$1.pem" --tls-key "$WORK/$1.key" --tls-ca "$WORK/ca.pem"; }

# relay_conf NAME DICTIONARIES PEER-LINES: a configuration of freeDiameterd.
relay_conf() {
        local name=$1 d
        {
                cat <<END
Identity = "relay.$REALM";
Realm = "$REALM";
Port = 3868;
SecPort = 0;
No_SCTP;
No_IPv6;
ListenOn = "$RELAY";
TcTimer = 6;
TwTimer = 6;
AppServThreads = 2;
TLS_Cred = "$WORK/cert.pem", "$WORK/key.pem";
TLS_CA = "$WORK/cert.pem";
TLS_DH_File = "$WORK/dh.pem";
LoadExtension = "acl_wl.fdx" : "$WORK/acl.conf";
END
                for d in $2; do
                        case $d in
                        dict_cx) d=$EXTENSION ;;
                        judge) d=$(dirname "$EXTENSION")/judge.fdx ;;
                        *) d=$d.fdx ;;
                        esac
                        echo "LoadExtension = \"$d\";"
                done
                echo "$3"
        } >"$WORK/$name.conf"
        echo "ALLOW_IPSEC *.$REALM" >"$WORK/acl.conf"
}

start_relay() { start "$1" freeDiameterd -c "$WORK/$1.conf"; }

# client NAME ARGS...: runs one S-CSCF to its end and takes over its lines.
client() {
        local name=$1 line code
        shift
        inside "$BIN/cx_peer" client --identity scscf.$REALM --realm $REALM --destination-host hss.$REALM "$@" \
                >"$WORK/$name.out" 2>"$WORK/$name.err"
        code=$?
        grep '^PASS ' "$WORK/$name.out" | sort -u | while read -r _ line; do pass "$name.$line"; done
        while read -r line; do fail "$name.${line%% *}" "${line#* }"; done < <(sed -n 's/^FAIL //p' "$WORK/$name.out")
        if [ $code != 0 ]; then fail "$name.exit" "code $code: $(tail -3 "$WORK/$name.err" | paste -sd' ')"; fi
        sanitizer "$name" "$WORK/$name.err"
}

sanitizer() {
        if grep -q 'ERROR: .*Sanitizer\|runtime error:' "$2"; then fail "$1.sanitizer" "see $2"; fi
}

stop_server() {
        stop "$1"
        if [ $CODE = 0 ]; then pass "$2.server_exit"; else fail "$2.server_exit" "code $CODE"; fi
        sanitizer "$2" "$WORK/$2.server.log"
}

server() { # NAME ARGS...
        start "$1.server" "$BIN/cx_peer" server --identity hss.$REALM --realm $REALM "${@:2}"
}

DICTIONARIES="dict_nasreq dict_dcca dict_dcca_3gpp dict_cx"
ALL="$DICTIONARIES judge"
TO_HSS="ConnectPeer = \"hss.$REALM\" { ConnectTo = \"$HSS\"; No_TLS; Port = 3868; TcTimer = 1; };"
TO_SCSCF="ConnectPeer = \"scscf.$REALM\" { ConnectTo = \"$S_CSCF\"; No_TLS; Port = 3868; TcTimer = 1; };"

# The dictionary loads beside every set of others, before or after them.
test_dictionaries() {
        local set n=0
        for set in dict_cx "$DICTIONARIES" "dict_sip $DICTIONARIES" "dict_nasreq dict_cx" "dict_cx dict_nasreq dict_dcca dict_dcca_3gpp" \
                "dict_cx dict_nasreq dict_sip"; do
                n=$((n + 1))
                relay_conf dict$n "$set" ""
                start_relay dict$n
                if wait_for "$WORK/dict$n.log" "freeDiameterd daemon initialized" &&
                        ! grep -q 'dict_cx.*: \|Conflict\|ERROR.*dict' "$WORK/dict$n.log"; then
                        pass "dictionary${n}"
                else
                        fail "dictionary${n}" "$set: $(grep -i 'error\|conflict' "$WORK/dict$n.log" | head -3 | paste -sd' ')"
                fi
                stop "$LAST"
        done
}

# We connect to it, it connects to us.
test_relay() {
        local srv fd
        relay_conf relay "$ALL" "$TO_HSS"
        server relay --listen $HSS:3868 --peer relay.$REALM
        srv=$LAST
        start_relay relay
        fd=$LAST
        if wait_for "$WORK/relay.server.log" "relay.$REALM: usable"; then
                pass relay.it_connects
        else
                fail relay.it_connects "$(tail -2 "$WORK/relay.server.log" | paste -sd' ')"
        fi
        client relay --peer "relay.$REALM=$RELAY:3868,relay" --rounds 20
        ruled relay
        watchdog relay Answer
        stop "$fd"
        if wait_for "$WORK/relay.server.log" "disconnects, cause 0"; then
                pass relay.its_dpr
        else
                fail relay.its_dpr "freeDiameterd ended without DPR"
        fi
        stop_server "$srv" relay
}

# What freeDiameterd thinks of our messages, by our dictionary with its rules: every command was seen, and
# none had a fault.
ruled() {
        local name=$1 bad command
        bad=$(grep 'judge: .*fault\|does not parse' "$WORK/$name.log" | head -3 | paste -sd' ')
        if [ -n "$bad" ]; then fail "$name.rules" "$bad"; fi
        for command in User-Authorization Multimedia-Auth Server-Assignment Location-Info \
                Registration-Termination Push-Profile; do
                for kind in Request Answer; do
                        grep -q "judge: Cx-$command-$kind ok" "$WORK/$name.log" || bad="$bad Cx-$command-$kind"
                done
        done
        if [ -n "$bad" ]; then fail "$name.commands" "not seen:$bad"; else pass "$name.rules"; fi
}

# watchdog NAME Request|Answer: on a quiet connection it got our DWR, or asked and got our DWA.
watchdog() {
        if wait_for "$WORK/$1.log" "judge: Device-Watchdog-$2 ok" && ! grep -q "not usable" "$WORK/$1.server.log"; then
                pass "$1.watchdog"
        else
                fail "$1.watchdog" "no Device-Watchdog-$2 in 20 s; $(grep 'not usable' "$WORK/$1.server.log")"
        fi
}

# The other way round: it connects to the S-CSCF, the HSS connects to it.
test_reverse() {
        local srv fd
        relay_conf reverse "dict_sip $ALL" "$TO_SCSCF"
        start_relay reverse
        fd=$LAST
        wait_for "$WORK/reverse.log" "freeDiameterd daemon initialized" || fail reverse.start "no freeDiameterd"
        server reverse --peer "relay.$REALM=$RELAY:3868,relay" --tw 1000
        srv=$LAST
        if wait_for "$WORK/reverse.server.log" "relay.$REALM: usable"; then
                pass reverse.we_connect
        else
                fail reverse.we_connect "$(tail -2 "$WORK/reverse.server.log" | paste -sd' ')"
        fi
        watchdog reverse Request
        client reverse --listen $S_CSCF:3868 --peer "relay.$REALM=,relay"
        ruled reverse
        stop "$srv" # DPR from us
        if [ $CODE = 0 ]; then pass reverse.our_dpr; else fail reverse.our_dpr "code $CODE"; fi
        sanitizer reverse "$WORK/reverse.server.log"
        stop "$fd"
}

# The relay with TLS from the first octet on both sides: we connect to it, it connects to us, each with a certificate
# (RFC 6733 13.1).
test_tls() {
        local srv fd
        tls_certificates
        relay_conf tls "$ALL" "ConnectPeer = \"hss.$REALM\" { ConnectTo = \"$HSS\"; Port = 5868; TcTimer = 1; };"
        sed -i -e "s|^SecPort.*|SecPort = 5868;|" -e "s|^TLS_Cred.*|TLS_Cred = \"$WORK/relay.pem\", \"$WORK/relay.key\";|" \
                -e "s|^TLS_CA.*|TLS_CA = \"$WORK/ca.pem\";|" "$WORK/tls.conf"
        echo "*.$REALM" >"$WORK/acl.conf"
        # shellcheck disable=SC2046
        server tls --listen $HSS:5868 --peer relay.$REALM $(tls_of hss)
        srv=$LAST
        start_relay tls
        fd=$LAST
        if wait_for "$WORK/tls.server.log" "relay.$REALM: usable"; then
                pass tls.it_connects
        else
                fail tls.it_connects "$(tail -2 "$WORK/tls.server.log" | paste -sd' ')"
        fi
        # shellcheck disable=SC2046
        client tls --peer "relay.$REALM=$RELAY:5868,relay" --rounds 5 $(tls_of scscf)
        ruled tls
        if [ -z "$(inside ss -tnH state established 'dport = :3868')" ]; then pass tls.nothing_in_clear; else fail tls.nothing_in_clear "a connection to 3868"; fi
        stop "$fd"
        stop_server "$srv" tls
}

# Both connect to each other at the same time: one connection remains.
test_election() {
        local srv fd n
        relay_conf election "$ALL" "$TO_HSS"
        server election --listen $HSS:3868 --peer "relay.$REALM=$RELAY:3868,relay"
        srv=$LAST
        start_relay election
        fd=$LAST
        wait_for "$WORK/election.server.log" "relay.$REALM: usable" || fail election.open "no connection"
        client election --peer "relay.$REALM=$RELAY:3868,relay"
        if wait_until 5 one_connection; then pass election.one_connection; else fail election.one_connection "$n connections"; fi
        stop_server "$srv" election
        stop "$fd"
}

# one_connection: there is one to port 3868; how many there are is in n.
one_connection() {
        n=$(inside ss -tnH state established "dport = :3868" | wc -l)
        [ "$n" = 1 ]
}

# tshark reads the whole capture. Wireshark expects M on AVPs that TS 29.229 sends without (no error).
judge() {
        local bad n
        sleep 1
        kill -INT "$CAPTURE" 2>/dev/null
        wait "$CAPTURE" 2>/dev/null
        n=$(tshark -r "$WORK/all.pcapng" -Y diameter 2>/dev/null | wc -l)
        bad=$(tshark -r "$WORK/all.pcapng" -Y 'diameter && (_ws.malformed || _ws.expert.severity == "Error")' 2>/dev/null | head -5)
        if [ "$n" -lt 100 ]; then fail tshark "only $n Diameter frames captured"
        elif [ -n "$bad" ]; then fail tshark "$bad"
        else echo "captured $n Diameter frames"; pass tshark; fi
}

[ "$(id -u)" = 0 ] || { echo "SKIP $TEST: needs root for a network namespace"; exit 0; }
for program in freeDiameterd tshark openssl ip; do
        command -v $program >/dev/null || { fail setup "$program is not installed"; exit 1; }
done
[ -x "$BIN/cx_peer" ] || { fail setup "$BIN/cx_peer is not built"; exit 1; }
ip netns add "$NS" || { fail setup "no network namespace"; exit 1; }
inside ip link set lo up
for address in $S_CSCF $RELAY $HSS; do inside ip addr add $address/32 dev lo; done
certificates
start capture tshark -i lo -f "tcp port 3868" -B 64 -w "$WORK/all.pcapng"
CAPTURE=$LAST
wait_for "$WORK/capture.log" "Capturing on" || fail setup "tshark does not capture"
test_dictionaries
test_relay
test_reverse
test_tls
test_election
judge
