#!/usr/bin/env bash
# How long a 302 takes while, on another connection, a folder of 50,000 entries is listed again and again.
# The gateway has one core and so one thread for both; the clients have the other core.
# The reader of the listings gives way to the client that asks for redirects (nice), or that would wait for it, too.
# Goal: the listings add less than 5 ms to the 99th percentile.
source "$(dirname "$0")/lib.sh"
seconds=${SECONDS_EACH:-15}
programs
need wrk

start_sim empty
helper fill_sim "$sim" 50000
start_gateway gateway redirect info
authorization=$(printf '%s:%s' "$user" "$password" | base64)
cat >"$tmp/propfind.lua" <<LUA
wrk.method = "PROPFIND"
wrk.headers["Depth"] = "1"
wrk.headers["Authorization"] = "Basic $authorization"
LUA
file=$gateway/n50000/Some.Series.S01E00000.1080p.WEB-DL.mkv
helper propfind "$gateway/n50000/" "$authorization" >/dev/null
curl -s -o /dev/null -u "$user:$password" "$file"

redirects() {
    "${on_client[@]}" wrk -t1 -c1 -d"${seconds}s" --latency -H "Authorization: Basic $authorization" -H 'User-Agent: curl/8' "$file" >"$tmp/$1.out"
    grep -q 'Non-2xx' "$tmp/$1.out" && fail "not all answers were redirects: $(cat "$tmp/$1.out")"
    awk -v what="$1" '
        function ms(text) { return text ~ /us$/ ? text / 1000 : text ~ /ms$/ ? text + 0 : text * 1000 }
        $1 == "50%" { half = ms($2) } $1 == "99%" { most = ms($2) } $1 == "Latency" && NF == 5 { max = ms($4) }
        $2 == "requests" { count = $1 }
        END { printf "%-22s %9d %9.3f %9.3f %9.3f\n", what, count, half, most, max }' "$tmp/$1.out"
}

printf '%-22s %9s %9s %9s %9s\n' "302s, ms" requests median p99 max
alone=$(redirects alone)
echo "$alone"
"${on_client[@]}" nice -n 19 wrk -t1 -c1 -d"$((seconds + 2))s" --timeout 60s -s "$tmp/propfind.lua" "$gateway/n50000/" >"$tmp/propfind.out" &
listing=$!
sleep 1
beside=$(redirects beside)
wait "$listing"
echo "$beside"
echo
grep -q 'Non-2xx' "$tmp/propfind.out" && fail "not all listings succeeded"
awk '$2 == "requests" { print "listings of 50,000 entries meanwhile:", $1 }' "$tmp/propfind.out"
[ "$(awk '$2 == "requests" { print $1 }' "$tmp/propfind.out")" -gt 0 ] || fail "no listing ended meanwhile"
p99() { awk '{ print $(NF - 1) }' <<<"$1"; }
goal "what they add to the 99th percentile of a 302, ms" "$(calc "$(p99 "$beside") - $(p99 "$alone")" %.3f)" at-most 5
conclude
