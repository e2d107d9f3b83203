#!/usr/bin/env bash
# A GET answered with 302: the gateway with Basic authentication, the listing and the link in its cache, against
# nginx `return 302` of the same address, without authentication. Each on one core, clients on the other.
# With a log line per request in a file (as both do by default), and without. In turn, several times; medians.
# What counts is the CPU time of a request: nginx answers faster than the one client core can ask.
# Goal: 0.7 of nginx's requests for each second of CPU time.
source "$(dirname "$0")/lib.sh"
seconds=${SECONDS_EACH:-4}
rounds=${ROUNDS:-3}
connections=16
programs
need wrk nginx

start_sim empty --link-lifetime 36000
helper fill_sim "$sim" 1000
authorization=$(printf '%s:%s' "$user" "$password" | base64)
path=/n1000/Some.Series.S01E00000.1080p.WEB-DL.mkv
start_gateway logging redirect info
urls=("$gateway$path") servers=("$gateway_pid") titles=("dav115, log in a file")
start_gateway silent redirect warn
urls+=("$gateway$path") servers+=("$gateway_pid") titles+=("dav115, no log")
location=$(curl -s -o /dev/null -w '%{redirect_url}' -u "$user:$password" -H 'User-Agent: curl/8' "${urls[0]}")
curl -s -o /dev/null -u "$user:$password" -H 'User-Agent: curl/8' "${urls[1]}"
[ -n "$location" ] || fail "the gateway does not redirect"
for log in "access_log $tmp/access.log combined;" "access_log off;"; do
    port=$(free_port)
    start_nginx "nginx${#servers[@]}" on_server "server { listen 127.0.0.1:$port; $log location / { return 302 '$location'; } }"
    wait_for_port "$port"
    urls+=("http://127.0.0.1:$port$path") servers+=("$nginx_pid")
done
titles+=("nginx, log in a file" "nginx, no log")

for _ in $(seq "$rounds"); do
    for server in 0 2 1 3; do
        before=$(cpu "${servers[server]}")
        "${on_client[@]}" wrk -t1 -c"$connections" -d"${seconds}s" -H "Authorization: Basic $authorization" -H 'User-Agent: curl/8' \
            "${urls[server]}" >"$tmp/wrk.out"
        after=$(cpu "${servers[server]}")
        ! grep -q 'Non-2xx' "$tmp/wrk.out" || fail "not all answers were redirects: $(cat "$tmp/wrk.out")"
        count=$(awk '$2 == "requests" { print $1 }' "$tmp/wrk.out")
        awk '/^Requests\/sec/ { print $2 }' "$tmp/wrk.out" >>"$tmp/rate.$server"
        calc "($after - $before) / 1000 / $count" '%.3f\n' >>"$tmp/cost.$server"
    done
done
printf '%-24s %12s %14s %14s\n' "302, one core" "requests/s" "CPU us each" "per CPU second"
for server in 0 2 1 3; do
    rate[server]=$(median "$tmp/rate.$server")
    cost[server]=$(median "$tmp/cost.$server")
    printf '%-24s %12s %14s %14s\n' "${titles[server]}" "$(calc "${rate[server]}" %.0f)" "$(calc "${cost[server]}")" \
        "$(calc "1000000 / ${cost[server]}" %.0f)"
done
echo
goal "302s per CPU second over nginx's, log in a file" "$(calc "${cost[2]} / ${cost[0]}")" at-least 0.7
goal "302s per CPU second over nginx's, no log" "$(calc "${cost[3]} / ${cost[1]}")" at-least 0.7
conclude
