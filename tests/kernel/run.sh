#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The tests that need IPsec of a kernel: in network namespaces of this machine when its kernel has ESP, else inside
# User-Mode Linux.
#
#   tests/kernel/run.sh                  all of them: tests/kernel/*.lua, build/release/tests/kernel_*
#   tests/kernel/run.sh NAME...          these (bed, or kernel.bed; a shell glob)
#   tests/kernel/run.sh --shell CMD      runs a shell command there, with the namespaces core, nat and phones
#   tests/kernel/run.sh --shell          a shell there, on the terminal
#   tests/kernel/run.sh --why            says where the tests would run; exit code 77 when nowhere
#
#   --host, --uml   only there          --results DIR   NAME.out, NAME.code and NAME.seconds of each test go there
#   --limit S       for all together    --mem SIZE      memory of User-Mode Linux (1G)
#
# Programs come from QUINTET_BIN and QUINTET_BUILD, else from build/release. Exit codes: 0 all passed, 1 some failed,
# 77 neither works here (the reason is printed), 124 no end in time, 125 the machine broke; of --shell, that of CMD.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
. "$ROOT/scripts/lib/uml.sh"

WHERE="" RESULTS="" LIMIT_S=1800 MEM=1G ACTION=tests SCRATCH="" NAMES=()

# esp_works: true when the kernel we run on takes an ESP SA; in a namespace that nobody sees. Else a reason is printed.
esp_works() {
        [ "$(id -u)" = 0 ] || { echo "not root"; return 1; }
        # shellcheck disable=SC2016
        unshare --net ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 256 reqid 1 mode transport \
                auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96 \
                enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f >/dev/null 2>&1 && return 0
        echo "this kernel takes no ESP security association"
        return 1
}

# choose: sets WHERE to host or uml, or ends with the reason why neither works.
choose() {
        local host="not asked for" uml="not asked for"
        if [ "$WHERE" != uml ] && host=$(esp_works); then WHERE=host; return; fi
        if [ "$WHERE" != host ]; then
                uml=$(uml_missing)
                [ -n "$uml" ] || { WHERE=uml; return; }
        fi
        say "SKIP kernel: directly: $host; in User-Mode Linux: $uml"
        exit 77
}

# shellcheck disable=SC2329 # by trap
leave() {
        local code=$?
        trap - EXIT INT TERM
        [ -z "${UML_PID:-}" ] || uml_kill "$UML_PID"
        [ -z "$SCRATCH" ] || rm -rf "$SCRATCH"
        exit $code
}

machine() {
        local code=0
        if [ "$ACTION" = shell ] && [ -t 0 ]; then exec 3<&0; else exec 3</dev/null; fi
        exec 4>&1
        uml_boot "$SCRATCH" "$MEM" "$LIMIT_S" "$@" || code=$?
        case $code in
        124) say "no end within $LIMIT_S s" >&2 ;;
        125) say "User-Mode Linux ended early; its console says:" >&2; tail -20 "$SCRATCH/console" >&2 ;;
        esac
        return $code
}

# directly CMD...: in mount, network and process namespaces of its own, so that nothing is left behind.
directly() {
        # shellcheck disable=SC2016
        timeout --foreground --kill-after=20 "$LIMIT_S" unshare --mount --net --pid --fork --kill-child --mount-proc bash -c '
                mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && exec "$@"' _ "$@"
}

run() {
        if [ $WHERE = uml ]; then machine "$@"; else directly "$@"; fi
}

while [ $# -gt 0 ]; do
        case $1 in
        --host | --uml) WHERE=${1#--} ;;
        --why) ACTION=why ;;
        --results) RESULTS=$2; shift ;;
        --limit) LIMIT_S=$2; shift ;;
        --mem) MEM=$2; shift ;;
        --shell) ACTION=shell; shift; break ;;
        -h | --help) usage; exit 0 ;;
        -*) die "unknown option $1; see tests/kernel/run.sh --help" ;;
        *) NAMES+=("${1#kernel.}") ;;
        esac
        shift
done
export QUINTET_ROOT=$ROOT QUINTET_BUILD=${QUINTET_BUILD:-$ROOT/build/release}
export QUINTET_BIN=${QUINTET_BIN:-$QUINTET_BUILD/bin}
choose
if [ $ACTION = why ]; then
        if [ $WHERE = host ]; then say "directly"; else say "in User-Mode Linux"; fi
        exit 0
fi
trap leave EXIT
trap 'exit 130' INT TERM
SCRATCH=$(uml_scratch) || die "cannot make a directory in ${TMPDIR:-/tmp}"
if [ $ACTION = shell ]; then
        run bash "$ROOT/tests/kernel/inside.sh" shell "$@"
        exit
fi
[ -n "$RESULTS" ] || RESULTS=$SCRATCH/results
{ mkdir -p "$RESULTS" && RESULTS=$(cd "$RESULTS" && pwd); } || die "cannot write in $RESULTS"
UML_KEEP=$QUINTET_BUILD$'\n'$QUINTET_BIN$'\n'$RESULTS
run bash "$ROOT/tests/kernel/inside.sh" tests "$RESULTS" "${NAMES[@]:-*}"
