#!/usr/bin/env bash
# Two accounts, a share and a list of shares side by side, two of the list dead: what lives is whole, what is dead says
# why, and each account is asked for its own alone.
# shellcheck disable=SC2317 # Functions are called by check.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need rclone
build
cd "$WORK_DIR"

# held_by PLACE COMMAND: what a share of the simulator holds, or one of its users (user=NAME).
held_by() {
    python3 "$E2E_DIR/tree.py" "$SIM_URL" "$2" "$1"
}

say "two accounts, four kinds of mounts"
start_sim demo --user second:12x30 --share second@sw3abc12xyz:a1b2:demo-small --share sw4def34uvw:c3d4:nasty \
    --share sw5dead5dead:e5f6:demo-small:7 --share sw6code6code:g7h8:demo-small
cat >shares.txt <<END
https://115cdn.com/s/sw4def34uvw?password=c3d4& Nasty
链接：https://115.com/s/sw5dead5dead?password=e5f6 Expired
sw6code6code-0000 Locked
END
curl -s "$SIM_URL/__sim/cookie?user=second" | jq -r .cookie >second-cookie.txt
write_config all.toml redirect <<END
[[accounts]]
name = "second"
cookie_file = "$WORK_DIR/second-cookie.txt"
[[mounts]]
path = "/theirs"
account = "second"
[[mounts]]
path = "/again"
account = "main"
[[mounts]]
path = "/film"
kind = "share"
account = "second"
link = "https://115cdn.com/s/sw3abc12xyz?password=a1b2#"
[[mounts]]
path = "/shares"
kind = "shares"
account = "main"
links_file = "$WORK_DIR/shares.txt"
END
sed -i 's|^path = "/"$|path = "/own"|' all.toml
status=0
"$DAV115" check --config all.toml >out 2>err </dev/null || status=$?
check_text "check ends with 1, for two shares are dead" 1 "$status"
sed -n 's/^# /        # /p' out
check "it says which has expired" grep -q 'sw5dead5dead has expired' out
check "and which has another code" grep -q 'sw6code6code does not open with the receive code' out
check_not "and no receive code" grep -qE 'a1b2|c3d4|e5f6|g7h8' out err

serve all.toml
use_rclone other
for folder in own again; do
    tree list >expected
    rclone lsf -R "${RCLONE_REMOTE}$folder" | sort >shown
    check_same "/$folder: all $(wc -l <expected) names" expected shown
done
for pair in film:sw3abc12xyz shares/Nasty:sw4def34uvw theirs:user=second; do
    folder=${pair%:*}
    held_by "${pair#*:}" list >expected
    rclone lsf -R "${RCLONE_REMOTE}$folder" | sort >shown
    check_same "/$folder: all $(wc -l <expected) names" expected shown
done
for pair in film:sw3abc12xyz theirs:user=second; do
    folder=${pair%:*}
    held_by "${pair#*:}" sha1 >expected
    rclone hashsum SHA-1 --download "${RCLONE_REMOTE}$folder" | sort -k 2 >streamed
    check_same "/$folder: SHA-1 of all $(wc -l <expected) files" expected streamed
done

say "each account for its own"
# asked NAME ENDPOINT: how often a user of the simulator has asked for something.
asked() {
    curl -s "$SIM_URL/__sim/ledger/counts?user=$1" | jq ".$2 // 0"
}
check_text "the second account got the links of its files and of the share" "360 $(held_by sw3abc12xyz sizes | grep -vc '^0	')" \
    "$(asked second downurl) $(asked second share_downurl_windows)"
check_text "the first one got none of these" "0 0" "$(asked main downurl) $(asked main share_downurl_windows)"
check_text "the dead ones are folders like the others" "Expired/ Locked/ Nasty/" "$(rclone lsf "${RCLONE_REMOTE}shares" | sort | paste -sd ' ')"

# answer PATH: the status and the first line of a PROPFIND.
answer() {
    curl -s -u "$E2E_USER:$E2E_PASSWORD" -X PROPFIND -H 'Depth: 1' -w '%{http_code} ' -o body "$GATEWAY_URL$1"
    head -n 1 body
}
check_text "the expired one answers 410" 410 "$(answer /shares/Expired/ | cut -d ' ' -f 1)"
check "and says so" grep -q 'sw5dead5dead has expired (115 says state 7); ask for a new link' body
check_text "the locked one answers 403" 403 "$(answer /shares/Locked/ | cut -d ' ' -f 1)"
check "and says why" grep -q 'does not open with the receive code' body
check_not "rclone takes neither for empty" rclone lsf "${RCLONE_REMOTE}shares/Expired"
check_text "a write is refused for what it is" 403 \
    "$(dav_curl /film/x -X PUT --data x -o body -w '%{http_code}' || true)"
check "all is well with the gateway itself" "$DAV115" healthcheck --url "$GATEWAY_URL/readyz"
curl -s -o body "$GATEWAY_URL/readyz"
check "and it tells of the dead shares" grep -q sw5dead5dead body

say "one account signed out"
curl -s "$SIM_URL/__sim/cookie?user=second" -d '{"action": "expire"}' >/dev/null
stop "$GATEWAY_PID"
serve all.toml
use_rclone other
check_text "its files answer 503" 503 "$(answer /theirs/ | cut -d ' ' -f 1)"
check "and say why" grep -q 'the account second is signed out' body
check_not "rclone does not take them for gone" rclone lsf --retries 1 --low-level-retries 1 "${RCLONE_REMOTE}theirs"
tree list >expected
rclone lsf -R "${RCLONE_REMOTE}own" | sort >shown
check_same "the files of the other one are all there" expected shown
check "and can be read" rclone cat "${RCLONE_REMOTE}own/hello.txt"
held_by sw3abc12xyz list >expected
rclone lsf -R "${RCLONE_REMOTE}film" | sort >shown
check_same "and the share is still listed" expected shown
curl -s "$SIM_URL/__sim/cookie?user=second" -d '{"action": "renew"}' | jq -r .cookie >second-cookie.txt
check_text "with another cookie it is back at once" 207 "$(answer /theirs/ | cut -d ' ' -f 1)"
finish
