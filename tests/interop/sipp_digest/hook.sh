#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Run by scripts/lab before the nodes start (QUINTET_LAB_HOOK): nonces of two uses, and a proof with every request.
conf=$QUINTET_LAB_DIR/conf/scscf.yaml
awk '/^[^ #]/ { digest = /^digest:/ } !digest' "$conf" >"$conf.new" &&
        printf 'digest:\n  nonce_uses: 2\n  requests: always\n  failed_request: challenge\n' >>"$conf.new" &&
        cat "$conf.new" >"$conf" && rm "$conf.new"
