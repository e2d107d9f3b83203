#!/usr/bin/env bash
# A session that ends in the midst of a copy by rclone: the cookie file is replaced, and no file is missing or spoilt.
# shellcheck disable=SC2317 # Functions are called by check.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need rclone
build
cd "$WORK_DIR"

# How long the account stays signed out, in seconds: as long as it takes somebody to put another cookie there.
SIGNED_OUT_FOR=${SIGNED_OUT_FOR:-5}

# renewed: another cookie, as a login at 115 gives it.
renewed() {
    curl -s "$SIM_URL/__sim/cookie" -d '{"action": "renew"}' | jq -r .cookie
}

has_files() {
    (($(find "$1" -type f | wc -l) >= $2))
}

# account_is STATE: what /readyz says of the account.
account_is() {
    [[ "$(curl -s "$GATEWAY_URL/readyz" | jq -r '.accounts[0].state')" == "$1" ]]
}

# n_calls: how many calls 115 has had.
n_calls() {
    curl -s "$SIM_URL/__sim/ledger/counts" | jq '[to_entries[] | select(.key != "cdn").value] | add // 0'
}

start_sim 20x25 --latency 30
tree sha1 >expected
for policy in redirect proxy; do
    say "download = $policy"
    printf '%s\n' "$(renewed)" >cookie.txt
    write_config "$policy.toml" "$policy" </dev/null
    sed -i "s|^cookie = .*|cookie_file = \"$WORK_DIR/cookie.txt\"|" "$policy.toml"
    serve "$policy.toml"
    use_rclone other

    mkdir "copy-$policy"
    run_in_background rclone.out rclone copy -v "${RCLONE_REMOTE}" "copy-$policy"
    copying=$PID
    wait_until 60 has_files "copy-$policy" 50 || die "the copy does not begin" rclone.out.err
    curl -s "$SIM_URL/__sim/cookie" -d '{"action": "expire"}' >/dev/null
    check "the gateway is told that the session is over" wait_until 20 account_is signed_out
    check_not "and the copy is not at its end" has_files "copy-$policy" 500
    before=$(n_calls)
    sleep "$SIGNED_OUT_FOR"
    check_text "meanwhile 115 is not asked" "$before" "$(n_calls)"
    check_not "and rclone waits" is_gone "$copying"
    renewed >cookie.new
    mv cookie.new cookie.txt
    status=0
    wait "$copying" || status=$?
    check_text "rclone ends well" 0 "$status"
    check_text "without having failed at a single file" "" "$(grep -iE 'failed|errors:|ERROR' rclone.out.err || true)"
    rclone hashsum SHA-1 "copy-$policy" | sort -k 2 >copied
    check_same "all $(wc -l <expected) files are there, byte for byte" expected copied
    check "the account is signed in" account_is signed_in
    stop "$GATEWAY_PID"
done
finish
