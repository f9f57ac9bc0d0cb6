# SPDX-License-Identifier: BSD-3-Clause
# Judges Cx around a relay (RFC 6733 3, 6.1.9, 6.2; TS 29.229 5.6). Input: one frame per line, fields parted by
# tabs: source, destination, command codes, request flags, AVP codes (these three are lists parted by commas; of
# several messages in one frame the AVPs follow one another). Variables: name, relay (its address), direct
# (1: the nodes may also speak to each other).

function has(list, code) { return index("," list ",", "," code ",") > 0 }
function count(list, code,   i, n, k) { n = split(list, parts, ","); for (i = 1; i <= n; i++) k += parts[i] == code; return k + 0 }
function wrong(what, text) { if (!(what in bad)) bad[what] = text " (frame line " NR ")"; }
function cx(code) { return code >= 300 && code <= 305 }

# One Cx message with its AVPs. mixed: those of a base message may stand behind its own.
function message(src, dst, code, request, avps, mixed,   results) {
        seen[(src == relay ? "out" : dst == relay ? "in" : "direct") (request ? "R" : "A") code]++
        if (src != relay && dst != relay && !direct) wrong("all_relayed", src " to " dst)
        if (avps !~ /^263(,|$)/) wrong("session_id_first", "command " code " starts with " substr(avps, 1, 20))
        if (request) {
                if (!has(avps, 283)) wrong("destination_realm", "command " code " without")
                if (src == relay && !has(avps, 282)) wrong("route_record", "command " code " of the relay without")
                if (src != relay && has(avps, 282)) wrong("route_record", "command " code " of a node with")
                return
        }
        results = count(avps, 268) + count(avps, 297)
        if (mixed ? results < 1 : results != 1) wrong("one_result", "command " code " has " results)
}

BEGIN { FS = "\t" }

{
        n = split($3, codes, ","); split($4, flags, ","); n_cx = 0
        for (i = 1; i <= n; i++) if (cx(codes[i])) n_cx++
        if (!n_cx) next
        if (n == 1) { message($1, $2, codes[1], flags[1] ~ /1|True/, $5, 0); next }
        avps = $5
        if (count(avps, 263) != n_cx) { wrong("session_id_first", n_cx " messages, " count(avps, 263) " Session-Ids"); next }
        rest = substr(avps, index("," avps, ",263,"))
        for (i = 1; i <= n; i++) {
                if (!cx(codes[i])) continue
                at = index(substr(rest, 4), ",263,") # behind the first one
                piece = at ? substr(rest, 1, at + 2) : rest
                rest = at ? substr(rest, at + 4) : ""
                message($1, $2, codes[i], flags[i] ~ /1|True/, piece, n != n_cx)
        }
}

END {
        for (code = 300; code <= 303; code++) {
                if (!seen["inR" code] || !seen["outR" code] || !seen["inA" code] || !seen["outA" code])
                        if (!direct || code == 300) wrong("commands", "command " code " did not pass the relay")
        }
        if (direct && !seen["directR300"]) wrong("commands", "nothing took the second path")
        split("commands session_id_first destination_realm route_record one_result" (direct ? "" : " all_relayed"), all, " ")
        for (i = 1; i in all; i++) {
                if (all[i] in bad) print "FAIL " name "." all[i] ": " bad[all[i]]
                else print "PASS " name "." all[i]
        }
}
