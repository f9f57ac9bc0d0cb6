#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# baresip, a phone nobody here wrote, with SIP Digest at the real nodes: over UDP, TCP and TLS it registers, renews by itself
# through an end of its nonce, and leaves; two of them call and write to each other.
ROOT=${QUINTET_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
export QUINTET_BIN=${QUINTET_BIN:-$ROOT/build/release/bin}
command -v baresip >/dev/null || { echo "SKIP interop.baresip: baresip is missing (packages baresip-core, libre)"; exit 0; }
export LUA_PATH="$ROOT/tests/flows/lib/?.lua;;"
failed=0
for file in baresip baresip_calls; do
        "$QUINTET_BIN/ue" run "$(dirname "$0")/$file.lua" "$@" || failed=1
done
exit $failed
