# shellcheck shell=bash
# Shared by the end-to-end scripts: builds the programs, starts servers on free ports, counts checks, cleans up.
#
# Sourced after `set -euo pipefail`. A script calls `need` for its clients, does its checks, and ends with `finish`.
# The programs are built unless DAV115 and SIM115 name them.
# shellcheck disable=SC2034 # Variables are set here for the scripts.

E2E_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
REPO_DIR="$(cd "$E2E_DIR/../.." && pwd)"
WORK_DIR="$(mktemp -d "${TMPDIR:-/tmp}/dav115-e2e.XXXXXX")"
N_PASSED=0
N_FAILED=0
PIDS=()
MOUNTS=()

# The user of every gateway that a script starts with `start_gateway`.
E2E_USER=tester
E2E_PASSWORD='correct horse 电池'

CALLER_HOME="$HOME"
# Nothing of the person who runs this may change what the clients do.
export HOME="$WORK_DIR/home" XDG_CONFIG_HOME="$WORK_DIR/home/.config" XDG_CACHE_HOME="$WORK_DIR/home/.cache"
export RCLONE_CONFIG=/dev/null LC_ALL=C.UTF-8
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

cleanup() {
    local status=$? at
    trap - EXIT INT TERM
    set +e
    for at in "${MOUNTS[@]}"; do
        unmount "$at"
    done
    # In the order opposite to that of their start, so that a gateway outlives no simulator it asks.
    for ((at = ${#PIDS[@]} - 1; at >= 0; at--)); do
        stop "${PIDS[at]}"
    done
    rm -rf "$WORK_DIR"
    exit "$status"
}
trap cleanup EXIT
set -E
trap 'printf "FAILED  line %s of %s: %s (status %s)\n" "$LINENO" "${BASH_SOURCE[0]}" "$BASH_COMMAND" "$?"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

# say TEXT: what follows is about.
say() {
    printf '\n== %s\n' "$*"
}

pass() {
    N_PASSED=$((N_PASSED + 1))
    printf 'ok      %s\n' "$1"
}

# fail NAME [FILE]: also shows the end of FILE.
fail() {
    N_FAILED=$((N_FAILED + 1))
    printf 'FAILED  %s\n' "$1"
    if [[ -n "${2:-}" && -s "$2" ]]; then
        tail -n 30 "$2" | cut -c1-400 | sed 's/^/        | /'
    fi
}

# check NAME COMMAND...: the command succeeds.
check() {
    local name=$1 log="$WORK_DIR/check.log"
    shift
    if "$@" >"$log" 2>&1; then pass "$name"; else fail "$name (status $?)" "$log"; fi
}

# check_not NAME COMMAND...: the command fails.
check_not() {
    local name=$1 log="$WORK_DIR/check.log"
    shift
    if "$@" >"$log" 2>&1; then fail "$name" "$log"; else pass "$name"; fi
}

# check_same NAME EXPECTED ACTUAL: the two files are alike, byte for byte.
check_same() {
    local log="$WORK_DIR/check.diff"
    if [[ ! -s "$2" ]]; then
        fail "$1: nothing to compare with"
    elif cmp -s "$2" "$3"; then
        pass "$1"
    else
        diff -u "$2" "$3" >"$log" || true
        fail "$1" "$log"
    fi
}

# check_text NAME EXPECTED ACTUAL: the two texts are alike.
check_text() {
    if [[ "$2" == "$3" ]]; then pass "$1"; else fail "$1: expected <$2>, got <$3>"; fi
}

# finish: says how it went; the status of the script tells as well.
finish() {
    printf '\n%s: %d passed, %d failed\n' "$(basename "$0")" "$N_PASSED" "$N_FAILED"
    if ((N_FAILED == 0 && N_PASSED > 0)); then exit 0; else exit 1; fi
}

# need COMMAND...: a missing client is a failure, for a check that is skipped proves nothing.
need() {
    local command n_missing=0
    for command in "$@"; do
        if ! command -v "$command" >/dev/null; then
            fail "the program $command is missing: apt-get install $(package_of "$command")"
            n_missing=$((n_missing + 1))
        fi
    done
    if ((n_missing > 0)); then finish; fi
}

package_of() {
    case $1 in
        fusermount3) echo fuse3 ;;
        mount.davfs) echo davfs2 ;;
        zbarimg) echo zbar-tools ;;
        *) echo "$1" ;;
    esac
}

# Builds both programs and sets DAV115 and SIM115.
build() {
    need curl jq python3
    if [[ -n "${DAV115:-}" && -n "${SIM115:-}" ]]; then
        return
    fi
    need cargo
    local target
    (cd "$REPO_DIR" && HOME="$CALLER_HOME" cargo build --release --quiet --workspace)
    target="$(cd "$REPO_DIR" && HOME="$CALLER_HOME" cargo metadata --format-version 1 --no-deps --offline | jq -r .target_directory)"
    export DAV115="$target/release/dav115" SIM115="$target/release/sim115"
}

# wait_until SECONDS COMMAND...: tries ten times a second.
wait_until() {
    local tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if ((tries <= 0)); then return 1; fi
        sleep 0.1
    done
}

# run_in_background LOG COMMAND...: leaves its number in PID.
run_in_background() {
    local log=$1
    shift
    "$@" >"$log" 2>"$log.err" </dev/null &
    PID=$!
    PIDS+=("$PID")
}

# stop PID: asks it to end, and makes it.
stop() {
    kill -TERM "$1" 2>/dev/null || return 0
    wait_until 15 is_gone "$1" || kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null || true
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null || [[ "$(ps -o stat= -p "$1")" == Z* ]]
}

# start_sim TREE [ARGUMENT...]: sets SIM_URL, SIM_COOKIE, SIM_MODULUS and SIM_PID.
start_sim() {
    local log tree=$1
    shift
    log="$(mktemp "$WORK_DIR/sim.XXXXXX")"
    run_in_background "$log" "$SIM115" --listen 127.0.0.1:0 --tree "$tree" "$@"
    SIM_PID=$PID
    wait_until 60 has_lines "$log" 3 || die "the simulator does not start" "$log.err"
    { read -r SIM_URL && read -r SIM_COOKIE && read -r SIM_MODULUS; } <"$log"
}

# What the simulator started last verifies uploads with.
sim_key() {
    curl -sS "$SIM_URL/__sim/key" | jq -r .ec_public_key
}

has_lines() {
    (($(wc -l <"$1") >= $2))
}

# die TEXT [FILE]: ends the script, for nothing that follows could work.
die() {
    fail "$@"
    finish
}

# write_config FILE POLICY: a configuration for the simulator started last; what comes by standard input is appended.
write_config() {
    local hash
    hash="$(printf '%s' "$E2E_PASSWORD" | "$DAV115" hash-password)"
    cat >"$1" <<END
[server]
listen = "127.0.0.1:0"
[log]
level = "info"
[[users]]
name = "$E2E_USER"
password_hash = '$hash'
[[accounts]]
name = "main"
cookie = "$SIM_COOKIE"
[[mounts]]
path = "/"
account = "main"
download = "$2"
[limits]
requests_per_second = 100.0
burst = 50
[upstream]
base_url = "$SIM_URL"
m115_public_key = { modulus = "$SIM_MODULUS", exponent = 65537 }
ec_public_key = "$(sim_key)"
[upload]
spool_dir = "$WORK_DIR/spool"
END
    cat >>"$1"
}

# serve CONFIG [ARGUMENT...]: sets GATEWAY_URL (without a slash at the end), GATEWAY_PID and GATEWAY_LOG.
serve() {
    local config=$1
    shift
    GATEWAY_LOG="$(mktemp "$WORK_DIR/gateway.XXXXXX")"
    run_in_background "$GATEWAY_LOG" "$DAV115" serve --config "$config" "$@"
    GATEWAY_PID=$PID
    wait_until 20 listens_or_is_gone
    listening_address >/dev/null || die "the gateway does not start" "$GATEWAY_LOG.err"
    GATEWAY_URL="http://$(listening_address)"
}

listens_or_is_gone() {
    listening_address || is_gone "$GATEWAY_PID"
}

# start_gateway POLICY: serves the simulator started last; more configuration comes by standard input.
start_gateway() {
    local config
    config="$(mktemp "$WORK_DIR/config.XXXXXX")"
    write_config "$config" "$1"
    serve "$config"
}

# What the gateway started last has written, without colours.
gateway_log() {
    sed 's/\x1b\[[0-9;]*m//g' "$GATEWAY_LOG" "$GATEWAY_LOG.err"
}

# Where the gateway started last listens, from its log.
listening_address() {
    gateway_log | sed -nE '/address/{s/.*(address=|"address":")([0-9.]+:[0-9]+).*/\2/p}' | sed -n 1p | grep .
}

# dav_curl PATH [ARGUMENT...]: PATH is escaped already.
dav_curl() {
    local path=$1
    shift
    curl -sS --fail --max-time 60 -u "$E2E_USER:$E2E_PASSWORD" "$@" "$GATEWAY_URL$path"
}

# use_rclone VENDOR: sets RCLONE_REMOTE to the gateway started last.
use_rclone() {
    export RCLONE_WEBDAV_URL="$GATEWAY_URL/" RCLONE_WEBDAV_USER="$E2E_USER" RCLONE_WEBDAV_VENDOR="$1"
    RCLONE_WEBDAV_PASS="$(rclone obscure "$E2E_PASSWORD")"
    export RCLONE_WEBDAV_PASS
    RCLONE_REMOTE=":webdav:"
}

# tree COMMAND: what the simulator started last holds, as the gateway should show it.
tree() {
    python3 "$E2E_DIR/tree.py" "$SIM_URL" "$@"
}

# is_mounted PLACE
is_mounted() {
    mountpoint -q "$1"
}

# unmount PLACE: whatever is mounted there, if anything.
unmount() {
    is_mounted "$1" || return 0
    fusermount3 -u "$1" 2>/dev/null || umount "$1" 2>/dev/null || umount -l "$1"
}
