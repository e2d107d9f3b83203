# shellcheck shell=bash disable=SC2034 # used where this is sourced
# What the measurements share: a temporary folder, servers of our own in it, CPU time, a table, and a clean end.
#
# To be sourced. Servers run on the core $SERVER_CORE and clients on $CLIENT_CORE, so that a server is never slowed
# down by the client that measures it. Everything listens on loopback and on ports nobody uses.

set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
SERVER_CORE=${SERVER_CORE:-0}
CLIENT_CORE=${CLIENT_CORE:-1}
user=bench
password=bench
misses=0
pids=()

tmp=$(mktemp -d "${TMPDIR:-/tmp}/dav115-bench.XXXXXX")
chmod 755 "$tmp"
# Large files that are only read lie in memory, if there is such a place.
shm=$(mktemp -d -p /dev/shm dav115-bench.XXXXXX 2>/dev/null) || shm=$tmp
chmod 755 "$shm"

finish() {
    local status=$?
    trap - EXIT
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    if [ $status -ne 0 ]; then
        for log in "$tmp"/*.err; do
            [ -s "$log" ] && { echo "--- ${log##*/}"; tail -n 5 "$log"; } >&2
        done
    fi
    rm -rf "$tmp" "$shm"
    exit $status
}
trap finish EXIT
trap 'echo "$0: line $LINENO failed" >&2' ERR
trap 'exit 130' INT TERM

fail() {
    echo "$0: $*" >&2
    exit 1
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is needed; on Debian: apt-get install curl wrk nginx-light apache2 python3"
    done
}

# Not functions, because of a function in the background bash tells the number of a shell around it.
on_server=(taskset -c "$SERVER_CORE")
on_client=(taskset -c "$CLIENT_CORE")
anywhere=(env)
helper() { "${on_client[@]}" python3 "$here/helper.py" "$@"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

wait_for_port() {
    local tries
    for tries in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    fail "nothing listens on port $1 after ${tries} tries"
}

# The programs measured: those of $BIN, or freshly built.
programs() {
    need taskset python3 curl
    if [ -z "${BIN:-}" ]; then
        cargo build --quiet --release --workspace --manifest-path "$root/Cargo.toml"
        BIN=${CARGO_TARGET_DIR:-$root/target}/release
    fi
}

# start_sim TREE [ARGUMENT...]: sets $sim, and $cookie and $modulus for start_gateway. Shares the core of the clients.
start_sim() {
    local tree=$1 port
    shift
    port=$(free_port)
    "${on_client[@]}" "$BIN/sim115" --listen "127.0.0.1:$port" --tree "$tree" "$@" >"$tmp/sim.out" 2>"$tmp/sim.err" &
    pids+=($!)
    wait_for_port "$port"
    until [ "$(wc -l <"$tmp/sim.out")" -ge 3 ]; do sleep 0.05; done
    sim=http://127.0.0.1:$port
    { read -r; read -r cookie; read -r modulus; } <"$tmp/sim.out"
}

# start_gateway NAME POLICY LOG_LEVEL [PIN]: sets $gateway and $gateway_pid. Its log goes to a file.
start_gateway() {
    local name=$1 port hash
    local -n pin=${4:-on_server}
    port=$(free_port)
    hash=$(echo "$password" | "$BIN/dav115" hash-password)
    cat >"$tmp/$name.toml" <<TOML
[server]
listen = "127.0.0.1:$port"
[log]
level = "$3"
[[users]]
name = "$user"
password_hash = '$hash'
[[accounts]]
name = "main"
cookie = "$cookie"
[[mounts]]
path = "/"
download = "$2"
[upstream]
base_url = "$sim"
m115_public_key = { modulus = "$modulus", exponent = 65537 }
[cache]
listing_ttl = "1h"
[limits]
requests_per_second = 100.0
open_bodies = 500
TOML
    "${pin[@]}" "$BIN/dav115" serve --config "$tmp/$name.toml" 2>"$tmp/$name.err" &
    gateway_pid=$!
    pids+=("$gateway_pid")
    gateway=http://127.0.0.1:$port
    wait_for_port "$port"
}

# start_nginx NAME PIN CONFIGURATION_OF_HTTP: sets $nginx_pid to its master.
start_nginx() {
    local name=$1
    local -n pin=$2
    need nginx
    mkdir -p "$tmp/$name"
    cat >"$tmp/$name/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $tmp/$name/pid;
error_log $tmp/$name.err warn;
$([ "$(id -u)" -ne 0 ] || echo "user root;")
events { worker_connections 1024; }
http {
    client_body_temp_path $tmp/$name/body;
    proxy_temp_path $tmp/$name/proxy;
    fastcgi_temp_path $tmp/$name/fastcgi;
    uwsgi_temp_path $tmp/$name/uwsgi;
    scgi_temp_path $tmp/$name/scgi;
    access_log off;
    keepalive_requests 1000000;
    sendfile on;
    $3
}
CONF
    "${pin[@]}" nginx -p "$tmp/$name" -c "$tmp/$name/nginx.conf" 2>"$tmp/$name.start.err" &
    nginx_pid=$!
    pids+=("$nginx_pid")
}

# CPU time in nanoseconds of processes and their children so far, all threads together.
cpu() {
    local all pid total=0
    mapfile -t all < <(printf '%s\n' "$@"; pgrep -P "$(IFS=,; echo "$*")" || true)
    for pid in "${all[@]}"; do
        total=$((total + $(cat /proc/"$pid"/task/*/schedstat 2>/dev/null | awk '{ s += $1 } END { printf "%.0f", s }')))
    done
    echo "$total"
}

calc() { awk "BEGIN { printf \"${2:-%.2f}\", $1 }"; }
# Of the lines of a file.
lowest() { sort -g "$1" | head -n 1; }
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# goal TEXT MEASURED at-most|at-least LIMIT: a line, and a note if it was missed.
goal() {
    local verdict=reached comparison="<="
    [ "$3" = at-least ] && comparison=">="
    if ! awk "BEGIN { exit !($2 $comparison $4) }"; then
        verdict=MISSED
        misses=$((misses + 1))
    fi
    printf '%-62s %9s  (goal: %s %s)  %s\n' "$1" "$2" "${3/-/ }" "$4" "$verdict"
}

# The exit status tells whether all goals were reached.
conclude() { [ "$misses" -eq 0 ]; }
