# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/bench tls: handshakes and idle connections of a node, beside what OpenSSL's own programs do with the same keys.

TLS_NAME=server.bench.example

# A root, and with each kind of key a certificate of it.
tls_certificates() {
        local kind
        ca_root ca "Bench root"
        ca_key ecdsa.key
        ca_openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
        for kind in ecdsa rsa; do
                ca_sign "$kind" "/CN=$TLS_NAME" ca 30 "subjectAltName=DNS:$TLS_NAME" basicConstraints=critical,CA:FALSE \
                        extendedKeyUsage=serverAuth keyUsage=critical,digitalSignature,keyEncipherment
        done
}

# s_time FLAG PORT VERSION: connections per second of the clock, and per second of the client's own CPU.
s_time() {
        openssl s_time "$1" -connect "127.0.0.1:$2" -CAfile ca.pem "-tls${3/./_}" -time "$RUN_S" 2>/dev/null |
                awk '/real seconds/ { real = $1 / $4 } /connections\/user sec/ { split($0, p, " "); for (i in p) if (p[i] == "connections/user") cpu = p[i - 1] }
                        END { printf "%.0f %.0f\n", real, cpu }'
}

# tls_against NAME PORT VERSION: what s_time achieves against that server.
tls_against() {
        read -r real cpu < <(s_time -new "$2" "$3")
        printf '%s_full_per_s %s\n%s_full_per_client_cpu_s %s\n' "$1" "$real" "$1" "$cpu"
        read -r real cpu < <(s_time -reuse "$2" "$3")
        printf '%s_resumed_per_s %s\n%s_resumed_per_client_cpu_s %s\n' "$1" "$real" "$1" "$cpu"
}

# tls_side_by_side KIND VERSION: s_time at our server and at openssl s_server, one after the other.
tls_side_by_side() {
        local port pid
        rm -f port.txt server.txt
        "$TOOLS/tls_load" serve --certificate "$1.pem" --key "$1.key" --version "$2" >port.txt &
        pid=$!
        until [ -s port.txt ] || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
        tls_against "$1.$2.s_time_here" "$(cat port.txt)" "$2"
        kill $pid
        wait $pid 2>/dev/null
        openssl s_server -accept 127.0.0.1:0 -cert "$1.pem" -key "$1.key" >server.txt 2>&1 </dev/zero &
        pid=$!
        until grep -q ACCEPT server.txt || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.txt | head -n 1)
        tls_against "$1.$2.s_time_openssl" "$port" "$2"
        kill $pid
        wait $pid 2>/dev/null
}

# tls_speed: what one signature costs, by openssl speed (which prints how many a second).
tls_speed() {
        openssl speed -mr -seconds 2 ecdsap256 rsa2048 2>/dev/null |
                awk -F: '/^\+F2/ && $3 == 2048 { printf "rsa.sign_us %.0f\n", 1e6 / $4 }
                        /^\+F4/ { printf "ecdsa.sign_us %.0f\n", 1e6 / $4 }'
}

# cmd_tls: for ECDSA P-256 and RSA 2048, on TLS 1.3 and 1.2.
cmd_tls() {
        local kind version
        rm -rf "$BENCH_DIR/tls" && mkdir -p "$BENCH_DIR/tls" && cd "$BENCH_DIR/tls" || die "no $BENCH_DIR/tls"
        ulimit -n "$(ulimit -Hn)"
        tls_certificates
        for kind in ecdsa rsa; do
                for version in 1.3 1.2; do
                        say "$kind, TLS $version" >&2
                        "$TOOLS/tls_load" --certificate "$kind.pem" --key "$kind.key" --ca ca.pem --name "$TLS_NAME" --version "$version" \
                                --handshakes "$HANDSHAKES" --connections "$CONNECTIONS" >load.txt || die "tls_load failed"
                        sed "s/^/$kind.$version./" load.txt
                        tls_side_by_side "$kind" "$version"
                done
        done >../tls.txt
        tls_speed >>../tls.txt
        if [ "$JSON" = 1 ]; then
                awk '{ printf "%s\"%s\":%s", NR == 1 ? "{" : ",", $1, $2 } END { print "}" }' ../tls.txt
        else
                awk '{ printf "%-44s %10.0f\n", $1, $2 }' ../tls.txt
        fi
}
