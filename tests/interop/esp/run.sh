#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# tshark reads the key log of ESP: packets that libcrypto made (esp_packets) are decrypted and their checks found good,
# for every suite, over IPv4 and IPv6, in transport mode and as a tunnel in UDP. What Wireshark does not know
# (aes-gmac) stays what it is: ESP.
set -u

HERE=$(cd "$(dirname "$0")" && pwd)
PACKETS=${QUINTET_BUILD:-$HERE/../../../build/release}/tests/esp_packets
WORK=$(mktemp -d)
FAILED=0
trap 'rm -rf "$WORK"; exit $FAILED' EXIT
trap 'FAILED=1; exit' INT TERM

pass() { echo "PASS interop.esp.$1"; }
fail() {
        echo "FAIL interop.esp.$1: $2"
        FAILED=1
}

# read_packets FOLDER [OPTION...]: one line per packet, "SPI GOOD SOURCE SPORT DPORT PAYLOAD" of what is innermost, with
# the preferences of a folder.
read_packets() {
        local conf=$1
        shift
        WIRESHARK_CONFIG_DIR=$conf tshark -r "$WORK/esp.pcap" -o esp.enable_encryption_decode:TRUE \
                -o esp.enable_authentication_check:TRUE "$@" -T fields -E separator=' ' -E occurrence=l \
                -e esp.spi -e esp.icv_good -e ip.src -e ipv6.src -e udp.srcport -e udp.dstport -e data.data \
                2>"$WORK/tshark.err" | tr -s ' '
}

# decoded FILE PATTERN: how many packets of expect whose name matches stand in FILE as they were made.
decoded() {
        awk -v pattern="$2" '
                NR == FNR { seen[$0] = 1; next }
                $1 ~ pattern { if (sprintf("0x%08x 1 %s %s %s %s", $2, $3, $4, $5, $6) in seen) n++ }
                END { print n + 0 }' "$1" "$WORK/expect"
}

"$PACKETS" "$WORK" || { fail packets "esp_packets failed"; exit; }
[ "$(stat -c %a "$WORK/esp_sa")" = 600 ] && pass mode || fail mode "others may read the keys"

mkdir "$WORK/conf" "$WORK/none" "$WORK/wrong"
cp "$WORK/esp_sa" "$WORK/conf/"
read_packets "$WORK/conf" >"$WORK/seen"
# shellcheck disable=SC2013
for suite in $(sed 's/-\(trans\|UDP-enc-tun\)-.*//' "$WORK/expect" | sort -u); do
        [ "$suite" = aes-gmac/null ] && continue
        n=$(decoded "$WORK/seen" "^$suite-")
        if [ "$n" = 16 ]; then pass "${suite/\//_}"; else fail "${suite/\//_}" "$n of 16 packets: $(head -3 "$WORK/tshark.err")"; fi
done

# What is not known is not guessed at.
n=$(awk 'NR == FNR { if ($1 ~ /^aes-gmac/) gmac[sprintf("0x%08x", $2)] = 1; next }
        $1 in gmac && $NF !~ /^[0-9a-f]{30,}$/ && $2 != 1 { n++ } END { print n + 0 }' "$WORK/expect" "$WORK/seen")
if [ "$n" = 16 ] && ! grep '^#' "$WORK/esp_sa" | grep -q '"0x[0-9a-f]\{9,\}"'; then
        pass aes-gmac_stays_ESP
else
        fail aes-gmac_stays_ESP "$n of 16 packets, or a key in a comment"
fi

# The lines as preferences on the command line.
mapfile -t lines < <(grep -v '^#' "$WORK/esp_sa" | sed 's/^/uat:esp_sa:/')
options=()
for line in "${lines[@]}"; do options+=(-o "$line"); done
read_packets "$WORK/none" "${options[@]}" >"$WORK/seen_options"
n=$(decoded "$WORK/seen_options" .)
[ "$n" = 112 ] && pass command_line || fail command_line "$n of 112 packets: $(head -3 "$WORK/tshark.err")"

# Without the keys nothing that is encrypted is read, with wrong ones no check is good.
read_packets "$WORK/none" >"$WORK/seen_none"
n=$(decoded "$WORK/seen_none" '/aes-|/des-')
[ "$n" = 0 ] && pass nothing_without_keys || fail nothing_without_keys "$n packets were read"
sed -E 's/"0x[0-9a-f]{24}/"0x000000000000000000000000/g' "$WORK/esp_sa" >"$WORK/wrong/esp_sa"
read_packets "$WORK/wrong" >"$WORK/seen_wrong"
n=$(awk '$2 == 1' "$WORK/seen_wrong" | wc -l)
[ "$n" = 0 ] && pass no_check_is_good_with_wrong_keys || fail no_check_is_good_with_wrong_keys "$n are"
