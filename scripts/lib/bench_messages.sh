# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The messages of one registration as they pass between the processes: what tests/bench/floor/messages.csv holds.

# cmd_messages: captures a registration (root) and prints from,to,transport,octets,message.
cmd_messages() {
        local pid i file=$BENCH_DIR/messages.pcapng log=$BENCH_DIR/messages.log
        command -v tshark >/dev/null || die "tshark is needed to capture"
        nodes_fresh
        rm -f "$file"
        # what comes before (connections, names) is not of interest
        load_run messages --subscribers 1
        tshark -i lo -f "net 127.0.$LAB_NET.0/24" -w "$file" >"$log" 2>&1 &
        pid=$!
        # it captures once a datagram of ours is in the file
        for ((i = 0; i < 100; i++)); do
                kill -0 $pid 2>/dev/null || die "tshark does not capture: $(tail -1 "$log")"
                (echo probe >"/dev/udp/127.0.$LAB_NET.9/9") 2>/dev/null
                sleep 0.1
                tshark -r "$file" 2>/dev/null | grep -q UDP && break
        done
        load_run messages --first 1 --subscribers 1
        for ((i = 0; i < 100; i++)); do
                # seen by the capture when the last answer is in the file
                [ "$(messages_of "$file" | tail -1 | cut -d, -f2,5)" = "ue,200" ] && break
                sleep 0.1
        done
        kill -INT $pid
        wait $pid 2>/dev/null
        nodes_down
        echo "from,to,transport,octets,message"
        messages_of "$file"
}

# messages_of CAPTURE: its rows.
messages_of() {
        tshark -r "$1" -Y '(sip || diameter) && !(diameter.cmd.code == 280)' -T fields -E separator=, -e ip.src -e ip.dst \
                -e udp.length -e tcp.len -e diameter.cmd.code -e diameter.flags.request -e sip.Method -e sip.Status-Code \
                2>/dev/null | awk -F, -v net="127.0.$LAB_NET." '
                BEGIN {
                        split("2 hss 3 icscf 4 scscf 5 pcscf", p, " ")
                        for (i = 1; i in p; i += 2) node[net p[i]] = p[i + 1]
                        name[300] = "UA"; name[301] = "SA"; name[303] = "MA"
                }
                function who(address) { return address in node ? node[address] : "ue" }
                {
                        request = $6 == 1 || $6 == "True"
                        if ($5 != "") { # the end that is not the HSS has any address
                                cscf = $5 == 300 ? "icscf" : "scscf"
                                print (request ? cscf ",hss" : "hss," cscf) ",tcp," $4 "," name[$5] (request ? "R" : "A")
                        } else print who($1) "," who($2) "," ($3 != "" ? "udp," $3 - 8 : "tcp," $4) "," $7 $8
                }'
}
