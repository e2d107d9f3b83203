#!/usr/bin/env bash
# Streaming a file of 1 GiB through the gateway, against nginx `proxy_pass` with `proxy_buffers 16 64k`, from the same
# origin: an nginx that stands in for the download server, which links of the simulator lead to. Plain HTTP.
# The proxy measured has one core; origin and client share the other. In turn, several times.
# Goal: at least 0.9 of nginx's throughput, at most 1.4 times its CPU time for each GiB.
source "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-7}
size=$((1 << 30))
programs
need nginx

mkdir "$shm/files"
head -c "$size" /dev/zero >"$shm/files/big"
origin_port=$(free_port)
start_nginx origin on_client "server { listen 127.0.0.1:$origin_port; root $shm/files; sendfile_max_chunk 2m; location / { try_files /big =404; } }"
wait_for_port "$origin_port"
origin=http://127.0.0.1:$origin_port

start_sim empty --public-url "$origin"
curl -sf -X PATCH -d '{"link_connections": 0}' "$sim/__sim/behaviours" >/dev/null
curl -sf -d "{\"op\": \"add_file\", \"parent\": \"/\", \"name\": \"big\", \"size\": $size}" "$sim/__sim/tree" >/dev/null
start_gateway gateway proxy info
authorization=$(printf '%s:%s' "$user" "$password" | base64)
proxy_port=$(free_port)
start_nginx proxy on_server "
    upstream origin { server 127.0.0.1:$origin_port; keepalive 8; }
    server {
        listen 127.0.0.1:$proxy_port;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection '';
            proxy_buffering on;
            proxy_buffers 16 64k;
            proxy_buffer_size 64k;
            proxy_busy_buffers_size 512k;
            proxy_max_temp_file_size 0;
        }
    }"
wait_for_port "$proxy_port"

# once NAME URL AUTHORIZATION PID
once() {
    local before after took
    before=$(cpu "$4")
    took=$(helper fetch "$2" "$3")
    after=$(cpu "$4")
    [ "${took#* }" -eq "$size" ] || fail "$1: $took"
    echo "${took% *}" >>"$tmp/time.$1"
    calc "($after - $before) / 1e9" '%.4f\n' >>"$tmp/cost.$1"
}

servers=("dav115|$gateway/big|$authorization|$gateway_pid" "nginx|http://127.0.0.1:$proxy_port/big||$nginx_pid")
for server in "${servers[@]}"; do
    IFS='|' read -r -a arguments <<<"$server"
    helper fetch "${arguments[1]}" "${arguments[2]}" >/dev/null
done
for _ in $(seq "$rounds"); do
    for server in "${servers[@]}"; do
        IFS='|' read -r -a arguments <<<"$server"
        once "${arguments[@]}"
    done
done
direct=$(helper fetch "$origin/big")
printf '%-24s %12s %12s %16s %16s\n' "1 GiB" "MiB/s best" "MiB/s median" "CPU s/GiB least" "CPU s/GiB median"
for name in dav115 nginx; do
    printf '%-24s %12s %12s %16s %16s\n' "$name" "$(calc "1024 / $(lowest "$tmp/time.$name")" %.0f)" \
        "$(calc "1024 / $(median "$tmp/time.$name")" %.0f)" \
        "$(lowest "$tmp/cost.$name")" "$(median "$tmp/cost.$name")"
done
printf '%-24s %12s\n\n' "origin, without a proxy" "$(calc "1024 / ${direct% *}" %.0f)"
goal "throughput over nginx's, medians" "$(calc "$(median "$tmp/time.nginx") / $(median "$tmp/time.dav115")")" at-least 0.9
goal "CPU time per GiB over nginx's, medians" "$(calc "$(median "$tmp/cost.dav115") / $(median "$tmp/cost.nginx")")" at-most 1.4
conclude
