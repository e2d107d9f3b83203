#!/usr/bin/env bash
# Memory (resident set) of the gateway: idle, with a listing of 50,000 entries in its cache, and for each of 100 clients
# that have begun a download of 1 GiB through the gateway and do not read. On all cores, as it runs by default.
# Goals: idle under 20 MiB, under 1.2 MiB for each slow stream.
source "$(dirname "$0")/lib.sh"
streams=100
size=$((1 << 30))
programs
need nginx

mkdir "$shm/files"
truncate -s "$size" "$shm/files/big"
origin_port=$(free_port)
start_nginx origin on_client "server { listen 127.0.0.1:$origin_port; root $shm/files; sendfile_max_chunk 2m; location / { try_files /big =404; } }"
wait_for_port "$origin_port"
start_sim empty --public-url "http://127.0.0.1:$origin_port"
curl -sf -X PATCH -d '{"link_connections": 0, "user_connections": 0}' "$sim/__sim/behaviours" >/dev/null
curl -sf -d "{\"op\": \"add_file\", \"parent\": \"/\", \"name\": \"big\", \"size\": $size}" "$sim/__sim/tree" >/dev/null
helper fill_sim "$sim" 50000
authorization=$(printf '%s:%s' "$user" "$password" | base64)

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$gateway_pid/status"; }
mib() { calc "$1 / 1024"; }

start_gateway listing proxy info anywhere
sleep 2
helper propfind "$gateway/n50000/" "$authorization" >/dev/null
sleep 2
listing=$(resident)

start_gateway streaming proxy info anywhere
sleep 2
idle=$(resident)
helper propfind "$gateway/" "$authorization" >/dev/null
curl -sf -o /dev/null -r 0-0 -u "$user:$password" "$gateway/big"
sleep 1
warm=$(resident)
helper stall "$gateway/big" "$authorization" "$streams" 60 >"$tmp/stall.out" 2>"$tmp/stall.err" &
stalled=$!
pids+=("$stalled")
until grep -q stalled "$tmp/stall.out"; do
    kill -0 "$stalled" || fail "the downloads did not begin"
    sleep 0.1
done
for _ in $(seq 10); do
    sleep 1
    samples+=("$(resident)")
done
full=$(printf '%s\n' "${samples[@]}" | sort -n | tail -n 1)
kill "$stalled" 2>/dev/null || true
sleep 2

printf '%-52s %8s\n' "resident" MiB
printf '%-52s %8s\n' "idle" "$(mib "$idle")" "after one listing and one byte of a file" "$(mib "$warm")" \
    "$streams stalled downloads" "$(mib "$full")" "after they are gone" "$(mib "$(resident)")" \
    "another one, with 50,000 entries in its cache" "$(mib "$listing")"
echo
goal "idle, MiB" "$(mib "$idle")" at-most 20
goal "each of $streams stalled downloads, MiB" "$(calc "($full - $warm) / 1024 / $streams")" at-most 1.2
conclude
