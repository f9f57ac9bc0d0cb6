# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# A Linux kernel with IPsec as an ordinary process: User-Mode Linux (package user-mode-linux) with the files of this
# machine as its root. Root is not needed: inside, one is root of everything but of the files, which keep the
# rights of the user outside.

# Where kernel modules of the package are, and the programs it takes inside.
UML=${QUINTET_UML:-linux.uml}
UML_MODULES=/usr/lib/uml/modules
export PACKAGES_UML="user-mode-linux kmod iproute2"

# uml_missing: says what lacks to run User-Mode Linux, on stdout; nothing when all is there.
uml_missing() {
        local p
        for p in "$UML" modprobe ip; do
                command -v "$p" >/dev/null || { echo "the program $p is not here (Debian packages $PACKAGES_UML)"; return; }
        done
        [ -d "$UML_MODULES" ] || { echo "there are no modules in $UML_MODULES (package user-mode-linux)"; return; }
}

# uml_scratch: makes a directory for one machine and prints its name, which has no white space: the command line of
# a kernel could not say it.
uml_scratch() {
        local base=${TMPDIR:-/tmp}
        [[ $base =~ ^/[A-Za-z0-9._/-]+$ ]] || base=/tmp
        mktemp -d "$base/quintet-uml.XXXXXX"
}

# uml_start SCRATCH MEM CMD...: boots in the background, sets UML_PID, and runs CMD inside as root; its exit code will
# stand in SCRATCH/exit when the machine has ended, what the kernel says in SCRATCH/console. The output of CMD, stdout and
# stderr in one, goes to file descriptor 4 (which must be open), its input comes from file descriptor 3. CMD sees these
# directories as they are outside, even below /tmp and /run: the project, SCRATCH, the current directory, and UML_KEEP
# (a list, one per line); all of /tmp with UML_COVER_TMP=0. With UML_USER_IDS=UID:GID it is this user with all capabilities instead of
# root, whom files outside belong to that root outside would not have.
uml_start() {
        local scratch=$1 mem=$2 tmp=/dev/shm
        shift 2
        {
                printf '#!/bin/bash\n'
                printf 'SCRATCH=%q ROOT=%q MODULES=%q CWD=%q KEEP=%q\n' "$scratch" "$ROOT" "$UML_MODULES" "$PWD" "${UML_KEEP:-}"
                printf 'COVER_TMP=%q USER_IDS=%q\n' "${UML_COVER_TMP:-1}" "${UML_USER_IDS:-}"
                printf 'PATH=%q\n' "$PATH"
                printf 'COMMAND=('
                printf '%q ' "$@"
                printf ')\n'
                export -p | grep -E '^declare -x (QUINTET|ASAN|UBSAN|LSAN|LC|TERM|HOME|CMOCKA)[A-Z0-9_]*='
                cat "$ROOT/scripts/lib/uml_init.sh"
        } >"$scratch/init"
        chmod 700 "$scratch/init"
        rm -f "$scratch/exit"
        # its memory is a file without a name, best on a tmpfs
        { [ -w $tmp ] && [ "$(df -k --output=avail $tmp | tail -1)" -gt 1000000 ]; } || tmp=$scratch
        # a group of its own, which it makes itself
        TMPDIR=$tmp "$UML" mem="$mem" root=/dev/root rootfstype=hostfs rootflags=/ rw init="$scratch/init" \
                uml_dir="$scratch" umid=machine quiet loglevel=1 con=null con0=null,fd:1 con1=fd:3,fd:4 \
                >"$scratch/console" 2>&1 </dev/null &
        UML_PID=$!
}

# uml_kill PID: the machine and its helpers, which outlive it otherwise.
uml_kill() {
        kill -KILL -- "-$1" "$1"
        wait "$1"
} 2>/dev/null

# uml_guard PID LIMIT_S SCRATCH: ends the machine when its time is up, or when this shell is gone, even if it was killed.
uml_guard() {
        # shellcheck disable=SC2016
        setsid bash -c '
                while kill -0 "$1" && kill -0 "$2" && [ $SECONDS -lt "$3" ]; do sleep 0.5; done
                kill -KILL -- "-$2" "$2"
                kill -0 "$1" || rm -rf "$4"' guard $$ "$@" >/dev/null 2>&1 </dev/null 3<&- 4>&- &
}

# uml_boot SCRATCH MEM LIMIT_S CMD...: uml_start, and waits for the end. Returns the exit code of CMD; 125 when the machine
# ended without one, 124 when time was up.
uml_boot() {
        local scratch=$1 limit=$3 code="" t0=$SECONDS
        set -- "$1" "$2" "${@:4}"
        uml_start "$@"
        uml_guard "$UML_PID" "$limit" "$1"
        wait "$UML_PID" 2>/dev/null
        { read -r code <"$scratch/exit"; } 2>/dev/null
        [ -n "$code" ] || [ $((SECONDS - t0)) -lt "$limit" ] || code=124
        return "${code:-125}"
}
