#!/usr/bin/env bash
# rclone through the gateway: listings, whole copies and ranges under every download policy, and 115's hashes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SEED="${SEED:-115}"
TOKEN='token of the download proxy'
need rclone
build
cd "$WORK_DIR"

# calls ENDPOINT: how often the simulator was asked.
calls() {
    curl -sS "$SIM_URL/__sim/ledger/counts" | jq --arg endpoint "$1" '.[$endpoint] // 0'
}

check_listing() {
    start_sim "$1"
    start_gateway redirect </dev/null
    use_rclone other
    say "rclone lsf -R of $1"
    tree list >expected
    tree sizes >expected.sizes
    rclone lsf -R "$RCLONE_REMOTE" | sort >shown
    check_same "$1: all $(wc -l <expected) names" expected shown
    rclone lsf -R --files-only --format sp --separator $'\t' "$RCLONE_REMOTE" | sort -k 2 -t $'\t' >shown.sizes
    check_same "$1: all $(wc -l <expected.sizes) sizes" expected.sizes shown.sizes
    echo "        for both, 115 was asked for $(calls files) pages of listings"
    stop "$GATEWAY_PID"
    stop "$SIM_PID"
}

# serve_policy POLICY: with a download proxy if the policy wants one.
serve_policy() {
    local log
    if [[ $1 != proxy_url ]]; then
        start_gateway "$1" </dev/null
        return
    fi
    log="$(mktemp "$WORK_DIR/proxy.XXXXXX")"
    DOWNLOAD_PROXY_TOKEN="$TOKEN" DOWNLOAD_PROXY_GATEWAY="$log.gateway" \
        run_in_background "$log" python3 "$E2E_DIR/download_proxy.py"
    PROXY_LOG="$log"
    wait_until 20 has_lines "$log" 1 || die "the download proxy does not start" "$log.err"
    PROXY_URL="$(head -n 1 "$log")"
    start_gateway "$1" <<END
[download]
proxy_url = "$PROXY_URL/"
proxy_token = "$TOKEN"
link_expiration = "1h"
END
    echo "$GATEWAY_URL" >"$log.gateway"
}

# with_plan PLAN: how many requests the gateway says it answered in this way.
with_plan() {
    gateway_log | grep -c "plan=\"$1\"" || true
}

check_copy() {
    local files
    rm -rf copy
    start_sim demo-small
    serve_policy "$1"
    use_rclone other
    say "rclone copy of demo-small with download = \"$1\""
    tree sha1 >expected
    files="$(wc -l <expected)"
    check "$1: rclone copy" rclone copy "$RCLONE_REMOTE" copy
    (cd copy && find . -type f -printf '%P\0' | xargs -0 sha1sum) | sort -k 2 >copied
    check_same "$1: SHA-1 of all $files files copied" expected copied
    check "$1: rclone check --download" rclone check --download "$RCLONE_REMOTE" copy
    rclone hashsum SHA-1 --download "$RCLONE_REMOTE" | sort -k 2 >streamed
    check_same "$1: rclone hashsum SHA-1 --download" expected streamed
    check "$1: the gateway says that it handed out so ($(with_plan "$1") requests)" test "$(with_plan "$1")" -ge "$files"
    if [[ $1 == proxy_url ]]; then check_download_proxy "$files"; fi
}

check_download_proxy() {
    local address path
    check "proxy_url: the download proxy served the files" test "$(grep -c '^GET 20' "$PROXY_LOG")" -ge "$1"
    check_text "proxy_url: it found no signature wrong" 0 "$(grep -cE ' (401|403) ' "$PROXY_LOG" || true)"
    path="$(rclone lsf -R --files-only "$RCLONE_REMOTE" | sed -n 1p | jq -rR 'split("/") | map(@uri) | join("/")')"
    address="$(dav_curl "/$path" -o /dev/null -w '%{redirect_url}')"
    check "proxy_url: a signed address works without a password" curl -sSf -o /dev/null "$address"
    check_text "proxy_url: a signature with another time is refused" 401 \
        "$(curl -s -o /dev/null -w '%{http_code}' "${address%:*}:0")"
    check_text "proxy_url: links are told to nobody without the token" 401 \
        "$(curl -s -H 'Authorization: guess' -d '{"path": "/"}' "$GATEWAY_URL/api/fs/link" | jq .code)"
}

check_ranges() {
    local film size
    start_sim demo
    serve_policy "$1"
    use_rclone other
    IFS=$'\t' read -r id size film < <(tree ids | sort -n -k 2 -t $'\t' | tail -n 1)
    say "ranges of $film ($size bytes, seed $SEED) with download = \"$1\""
    if [[ ! -s expected.ranges ]]; then
        python3 "$E2E_DIR/ranges.py" pick "$SEED" 10 "$size" >picked
        curl -sS "$SIM_URL/__sim/content?id=$id" | python3 "$E2E_DIR/ranges.py" stream picked >expected.ranges
    fi
    python3 "$E2E_DIR/ranges.py" run picked \
        rclone cat --offset '{offset}' --count '{length}' "$RCLONE_REMOTE$film" >got.ranges
    check_same "$1: $(wc -l <picked) ranges by rclone cat" expected.ranges got.ranges
    python3 "$E2E_DIR/ranges.py" run picked curl -sS -L -A VLC/3.0 -u "$E2E_USER:$E2E_PASSWORD" -r '{offset}-{last}' \
        "$GATEWAY_URL/$(jq -rR 'split("/") | map(@uri) | join("/")' <<<"$film")" >got.ranges
    check_same "$1: the same by curl" expected.ranges got.ranges
    stop "$GATEWAY_PID"
    stop "$SIM_PID"
}

check_vendor() {
    start_sim demo
    start_gateway redirect </dev/null
    use_rclone "$1"
    say "115's hashes with vendor = $1"
    tree stated >expected
    rclone sha1sum "$RCLONE_REMOTE" | sort -k 2 >shown
    check_same "$1: rclone sha1sum, all $(wc -l <expected) files" expected shown
    rclone lsf -R --files-only --hash SHA1 --format hp --separator '  ' "$RCLONE_REMOTE" | sort -k 2 >shown
    check_same "$1: rclone lsf --format hp" expected shown
    check_text "$1: no file was opened for that" 0 "$(($(calls downurl) + $(calls cdn)))"
    # For ownCloud rclone compares by MD5, which 115 does not have.
    if [[ $1 == nextcloud ]]; then
        check "$1: rclone check of the copy by hash" rclone check --one-way copy "$RCLONE_REMOTE"
        check_not "$1: rclone check finds a changed file" rclone check --one-way changed "$RCLONE_REMOTE"
    fi
    stop "$GATEWAY_PID"
    stop "$SIM_PID"
}

for name in demo nasty 200x500 flat:20000; do
    check_listing "$name"
done
for policy in redirect proxy proxy_url; do
    check_copy "$policy"
    check_ranges "$policy"
done

say "every name of nasty, streamed"
start_sim nasty
start_gateway redirect </dev/null
use_rclone other
tree sha1 >expected
rclone hashsum SHA-1 --download --exclude violating.mp4 "$RCLONE_REMOTE" | sort -k 2 >streamed
check_same "nasty: rclone hashsum SHA-1 --download, all $(wc -l <expected) files" expected streamed
check_not "nasty: a file that 115 refuses is an error" rclone cat "${RCLONE_REMOTE}marked/violating.mp4"

# A changed file of the same size and time, to see that comparing by hash notices.
cp -a copy changed
first="$(find changed -type f -size +1c | sort | sed -n 1p)"
touch -r "$first" stamp
printf 'X' | dd of="$first" conv=notrunc status=none
touch -r stamp "$first"
for vendor in nextcloud owncloud; do
    check_vendor "$vendor"
done
finish
