#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIPp registers, re-registers and de-registers 1,000 subscribers with AKAv1-MD5, over UDP and over TCP; 200 with sanitizers.
. "$(dirname "$0")/../lib/lab.sh"
. "$(dirname "$0")/../lib/sipp.sh"
N=${QUINTET_SIPP_UES:-$(if with_sanitizers; then echo 200; else echo 1000; fi)}
RATE=${QUINTET_SIPP_RATE:-$(rate 150)}

sipp_subscribers "$N"
lab_begin
sipp_import
sipp_run udp "AKA-031 AKA-033" "$N" "$RATE" -t u1
sipp_run tcp "AKA-031 AKA-033" "$N" "$RATE" -t t1
nobody_left nothing_left_registered
judge_capture
lab_end
