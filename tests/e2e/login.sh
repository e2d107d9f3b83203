#!/usr/bin/env bash
# Signing in by QR code, in a real terminal: what it shows, what it asks, where the cookie goes, and every way it can end.
#
# The codes are read back by zbarimg, from the picture and from what the terminal shows.
# shellcheck disable=SC2317 # Functions are called by check and wait_until.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need tmux zbarimg stat
build
cd "$WORK_DIR"

# Of the users at the simulator.
USER_ID=123456789
OTHER_USER_ID=987654321
# Where the terminals have their sockets.
export TMUX_TMPDIR="$WORK_DIR"
TERMINAL=(false)
N_TERMINALS=0

end_terminal() {
    "${TERMINAL[@]}" kill-server 2>/dev/null || true
}

# in_terminal COLUMNS ROWS [NAME=VALUE...] -- ARGUMENT...: runs dav115 in a new terminal.
in_terminal() {
    local columns=$1 rows=$2 variables=() command
    shift 2
    while [[ $1 != -- ]]; do
        variables+=("$1")
        shift
    done
    shift
    end_terminal
    # Another server each time, for the one before may still be on its way out.
    N_TERMINALS=$((N_TERMINALS + 1))
    TERMINAL=(tmux -L "dav115-$$-$N_TERMINALS" -f /dev/null -u)
    # The shell must outlive a Ctrl-C, which strikes it too.
    command="trap : INT; env LC_ALL=C.UTF-8 ${variables[*]} $(printf '%q ' "$DAV115" "$@"); echo \"status \$?\"; exec sleep 600"
    "${TERMINAL[@]}" new-session -d -x "$columns" -y "$rows" -c "$WORK_DIR" "bash -c $(printf %q "$command")"
    # So that the last one goes with everything else.
    PIDS+=("$("${TERMINAL[@]}" display-message -p '#{pid}')")
}

# What the terminal shows and has shown, as one line.
shown() {
    "${TERMINAL[@]}" capture-pane -p -J -S -500 | grep -v '[█▀▄]' | tr '\n' ' ' | tr -s ' '
}

shows() {
    shown | grep -qF -- "$1"
}

# check_shown NAME TEXT: the terminal shows it before long.
check_shown() {
    if wait_until 30 shows "$2"; then
        pass "$1"
    else
        shown >shown.txt
        fail "$1: no <$2>" shown.txt
    fi
}

type_in() {
    "${TERMINAL[@]}" send-keys "$@"
}

control() {
    curl -sS --fail -o answer "$SIM_URL/__sim/$1" "${@:2}"
}

phone() {
    control login -d "{\"action\": \"$1\"}"
}

behave() {
    control behaviours -X PATCH -d "$1"
}

# The text of the newest QR code.
qrcode() {
    curl -sS "$SIM_URL/__sim/login" | jq -er '.qrcodes[-1].qrcode'
}

# calls ENDPOINT: how many the simulator has had.
calls() {
    curl -sS "$SIM_URL/__sim/ledger/counts" | jq --arg endpoint "$1" '.[$endpoint] // 0'
}

has_calls() {
    (($(calls "$1") >= $2))
}

# check_code NAME BACKGROUND [blurred]: what the terminal shows now, without scrolling, is the newest QR code.
check_code() {
    "${TERMINAL[@]}" capture-pane -p -e | python3 "$E2E_DIR/qr.py" "${@:2}" >code.pgm
    check_text "$1" "$(qrcode)" "$(zbarimg --quiet --raw --oneshot -Sdisable -Sqrcode.enable code.pgm 2>/dev/null || true)"
}

# check_nothing_secret NAME: no text of a code and no cookie can be read in the terminal.
check_nothing_secret() {
    local secret found=''
    shown >shown.txt
    while read -r secret; do
        if grep -qF -- "$secret" shown.txt; then found+="<${secret:0:6}…> "; fi
    done < <(curl -sS "$SIM_URL/__sim/login" | jq -r '.qrcodes[] | .uid, ((.cookie // empty) | capture("SEID=(?<s>[^;]+)").s)')
    check_text "$1" "" "$found"
}

# configuration FILE: an account with a cookie file for the simulator started last; more comes by standard input.
configuration() {
    cat - >"$1" <<END
[server]
listen = "127.0.0.1:0"
[[accounts]]
name = "main"
cookie_file = "cookie.txt"
[limits]
requests_per_second = 100.0
burst = 50
[upstream]
base_url = "$SIM_URL"
m115_public_key = { modulus = "$SIM_MODULUS", exponent = 65537 }
END
    cat >>"$1"
}

uid_of_cookie() {
    sed -nE 's/^UID=([0-9]+_[A-Z0-9]+)_.*/\1/p' "$1"
}

# begin: a simulator of its own, a fresh configuration, and no cookie.
begin() {
    say "$1"
    if [[ -n "${SIM_PID:-}" ]]; then stop "$SIM_PID"; fi
    start_sim demo
    rm -f cookie.txt
    configuration dav115.toml </dev/null
}

# refused NAME TEXT ARGUMENT...: ends with a failure and this text, before any call.
refused() {
    local name=$1 text=$2 status=0
    shift 2
    "$DAV115" login "$@" >out 2>&1 </dev/null || status=$?
    if [[ $status -eq 0 ]] || ! tr -s '\n ' ' ' <out | grep -qF -- "$text"; then
        fail "$name (status $status)" out
    else
        check_text "$name, without a call" 0 "$(curl -sS "$SIM_URL/__sim/ledger/counts" | jq 'add // 0')"
    fi
}

begin "what is refused before anything is asked of 115"
for app in windows mac linux; do
    refused "the app $app" '登录失败，系统已下架' --account main --app "$app"
done
refused "an app nobody knows" 'web, android, ios, tv, alipaymini, wechatmini, qandroid' --account main --app phone
refused "an account that does not exist" 'there is no account "other" in dav115.toml; those there are "main"' --account other
refused "neither an account nor a file" '--account <NAME>'
refused "a configuration that is not there" 'nowhere.toml' --account main --config nowhere.toml
refused "a configuration without accounts" 'has no account "main": add an [[accounts]] entry' --account main --config /dev/null
mkdir -p empty
cd empty
refused "no configuration" 'there is no configuration, and so no account "main"' --account main
cd ..
sed "s/^cookie_file = .*/cookie = \"$SIM_COOKIE\"/" dav115.toml >inline.toml
refused "a cookie in the configuration" 'put cookie_file = "cookie.txt" in the place of its cookie' --account main --config inline.toml
sed 's/^cookie_file = .*/cookie_file = "nowhere\/cookie.txt"/' dav115.toml >folder.toml
refused "a folder that does not exist" 'create the folder' --account main --config folder.toml
refused "a file that would be lost" 'holds something else than a cookie' --output dav115.toml
refused "a token that is none" 'no UID of a QR code' --account main --token 'a b'

begin "success, in 80 columns and 24 lines"
in_terminal 80 24 -- login --account main
check_shown "it waits" 'Waiting for the scan'
check_code "the code is there, whole, on a dark background" dark
check_code "and on a light one" light
"${TERMINAL[@]}" capture-pane -p >visible.txt
phone scan
check_shown "it tells of the scan" 'Scanned; confirm'
phone confirm
check_shown "it ends well" 'status 0'
for text in 'as the app alipaymini (slot R2) for the account "main"' 'the same app slot is logged out elsewhere' \
    "Signed in as someone (115 user $USER_ID), in slot R2" 'The cookie is in cookie.txt' '115 takes it' 'nothing has to be restarted'; do
    check_shown "it says <$text>" "$text"
done
check_nothing_secret "it shows no secret"
check_text "the cookie is of the slot" "${USER_ID}_R2" "$(uid_of_cookie cookie.txt)"
check_text "its mode" 600 "$(stat -c %a cookie.txt)"
{ cat dav115.toml && printf '[[mounts]]\npath = "/"\n'; } >mounted.toml
check "check takes it" "$DAV115" check --config mounted.toml
sed 's/^/        | /' visible.txt

say "again, in another slot and in the same one"
in_terminal 80 24 -- login --account main --app tv
check_shown "the slot of the cookie before is named" 'is of slot R2: it is replaced here, but stays good at 115'
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "a code may be confirmed without a word of the scan" 'status 0'
check_text "the cookie is of the other slot" "${USER_ID}_I1" "$(uid_of_cookie cookie.txt)"
in_terminal 80 24 -- login --account main --app tv
check_shown "the cookie that ends is named" 'this ends the one now in cookie.txt'

say "Ctrl-C"
wait_until 10 shows 'Waiting for the scan'
cp cookie.txt before.txt
type_in C-c
check_shown "it ends at once" 'status 130'
check_same "the cookie is as it was" before.txt cookie.txt
check_text "nothing is left beside it" "" "$(find . -name '.dav115-*')"

begin "where the terminal knows no Unicode"
in_terminal 84 46 LC_ALL=C -- login --account main
check_shown "it waits" 'Waiting for the scan'
check_text "it draws with ASCII" 0 "$("${TERMINAL[@]}" capture-pane -p | LC_ALL=C grep -c '[^ -~]' || true)"
for background in dark light; do
    check_code "the code can be read on a $background background" "$background"
done
in_terminal 84 46 NO_COLOR=1 -- login --account main --ascii
check_shown "--ascii, without colours" 'Waiting for the scan'
check_code "a camera that blurs the strokes can read it on a dark background" dark blurred
in_terminal 80 24 NO_COLOR=1 -- login --account main
check_shown "half blocks, without colours" 'Waiting for the scan'
check_code "they can be read on a dark background" dark
in_terminal 80 24 -- login --account main --ascii
check_shown "a window that is too small is told" 'The window has 80 columns and 24 lines, and the QR code takes 78 and 39'

begin "as a picture"
in_terminal 80 24 -- login --account main --png code.png
check_shown "it says where" 'The QR code is in code.png'
check_text "it is the code" "$(qrcode)" "$(zbarimg --quiet --raw code.png 2>/dev/null || true)"
check_text "its mode" 600 "$(stat -c %a code.png)"
check_text "nothing is drawn" 0 "$("${TERMINAL[@]}" capture-pane -p | grep -c '[█▀▄]' || true)"
phone confirm
check_shown "it ends well" 'status 0'

begin "expiry, then success"
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
first="$(qrcode)"
phone expire
check_shown "it asks" 'The QR code has expired. Show a new one? [Y/n]'
type_in y Enter
wait_until 10 has_calls login_token 2
check_not "the next code is another" test "$first" = "$(qrcode)"
wait_until 10 has_calls login_status 2
check_code "it is shown" dark
phone scan
phone confirm
check_shown "it ends well" 'status 0'
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
phone expire
wait_until 10 shows 'Show a new one?'
type_in n Enter
check_shown "no is no" 'the QR code has expired, and nothing was changed status 1'

say "expiry with nobody to ask"
control ledger -X DELETE
(trap - ERR && "$DAV115" login --account main >out 2>&1 </dev/null) &
login=$!
for number in 1 2 3; do
    wait_until 10 has_calls login_status "$number"
    phone expire
done
status=0
wait "$login" || status=$?
check_text "it gives up after three codes, with" 1 "$status"
check "it says so" grep -qF '3 QR codes have expired' out
check_text "it asked for no more" 3 "$(calls login_token)"

begin "cancelled on the phone"
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
phone scan
wait_until 10 shows Scanned
phone cancel
check_shown "it says so" 'cancelled on the phone, and nothing was changed; run this again for another QR code status 1'
check_not "there is no cookie" test -e cookie.txt

begin "an app that 115 has closed since"
printf '%s\n' "$SIM_COOKIE" >cookie.txt
cp cookie.txt before.txt
behave '{"login_dead_apps": ["tv"]}'
in_terminal 80 24 -- login --account main --app tv
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "it says so, and what to do" '115 has closed the logins of the app tv; sign in as another app'
check_shown "in 115's words" '系统已下架'
check_shown "it fails" 'status 1'
check_same "the cookie is as it was" before.txt cookie.txt

begin "calls that 115 ends without news"
behave '{"login_hold_ms": 300}'
in_terminal 80 24 -- login --account main
check "it goes on asking" wait_until 20 has_calls login_status 4
check_text "and says nothing of it" 1 "$("${TERMINAL[@]}" capture-pane -p | grep -c Waiting)"
behave '{"login_quiet_status": "list", "type_jitter": true}'
before="$(calls login_status)"
check "in another form too" wait_until 20 has_calls login_status "$((before + 3))"
phone confirm
check_shown "it ends well" 'status 0'

begin "a network that is lost while 115 holds the call"
control faults -d '[{"endpoint": "login_status", "nth": 1, "times": 6, "fault": {"delay": 500}},
    {"endpoint": "login_status", "nth": 1, "times": 6, "fault": "reset"}]'
in_terminal 80 24 -- login --account main
check_shown "it says so and goes on" 'There is no answer (cannot reach qrcodeapi.115.com'
phone scan
check_shown "it says when that is over" '115 answers again.'
check_shown "nothing was missed" 'Scanned; confirm'
phone confirm
check_shown "it ends well" 'status 0'
check_nothing_secret "it shows no secret"

begin "115 refuses the sign-in"
control faults -d '{"endpoint": "login_redeem", "nth": 1, "fault": {"json": {"errno": 40101004, "message": "IP登录异常"}}}'
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "it says until when" '115 takes no sign-in from this address before midnight in China'
check_shown "it fails" 'status 1'
check_not "there is no cookie" test -e cookie.txt
control faults -d '{"endpoint": "login_redeem", "nth": 1, "fault": "reset"}'
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "an answer that is lost may mean a login" '115 may have signed in all the same, so begin again with a new QR code'
check_text "it was asked for once each time" 2 "$(calls login_redeem)"

begin "a QR code that was scanned elsewhere"
curl -sS -o token "$SIM_URL/qrcodeapi.115.com/api/1.0/web/1.0/token/"
uid="$(jq -r .data.uid token)"
in_terminal 80 24 -- login --account main --app wechatmini --token "$uid"
check_shown "not yet confirmed, it is refused" 'must be scanned and confirmed on the phone before it can be used'
phone confirm
in_terminal 80 24 -- login --account main --app wechatmini --token "https://115.com/scan/dg-$uid"
check_shown "confirmed, it signs in" 'status 0'
check_text "no code was asked for or waited for" 0 "$(calls login_status)"
check_text "the cookie is of the slot" "${USER_ID}_R1" "$(uid_of_cookie cookie.txt)"

begin "another user"
printf '%s\n' "$SIM_COOKIE" >cookie.txt
cp cookie.txt before.txt
behave "{\"login_user_id\": $OTHER_USER_ID}"
# as_other_user [ARGUMENT...]
as_other_user() {
    in_terminal 80 24 -- login --account main "$@"
    wait_until 10 shows 'Waiting for the scan'
    phone confirm
}
as_other_user
check_shown "it says so" "this is someone (115 user $OTHER_USER_ID), but the cookie it replaces is of 115 user $USER_ID"
check_shown "it asks" 'Store the cookie all the same? [y/N]'
type_in Enter
check_shown "no is what Enter means" 'nothing was stored status 1'
check_same "the cookie is as it was" before.txt cookie.txt
as_other_user
wait_until 10 shows 'all the same?'
type_in y Enter
check_shown "yes is yes" 'status 0'
check_text "the cookie is of the other user" "${OTHER_USER_ID}_R2" "$(uid_of_cookie cookie.txt)"
cp before.txt cookie.txt
as_other_user --other-user
check_shown "the flag is a yes" 'status 0'
check_text "the cookie is of the other user" "${OTHER_USER_ID}_R2" "$(uid_of_cookie cookie.txt)"
cp before.txt cookie.txt
curl -sS -o token "$SIM_URL/qrcodeapi.115.com/api/1.0/web/1.0/token/"
phone confirm
status=0
"$DAV115" login --account main --token "$(jq -r .data.uid token)" >out 2>&1 </dev/null || status=$?
check_text "with nobody to ask, it fails with" 1 "$status"
check "and names the flag" grep -qF -- --other-user out
check_same "the cookie is as it was" before.txt cookie.txt
configuration dav115.toml <<END
[[accounts]]
name = "main-tv"
same_as = "main"
cookie_file = "cookie-tv.txt"
END
in_terminal 80 24 -- login --account main-tv --app tv
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "the other cookies of the account count as well" "the cookie of \"main\", which is of the same account, is of 115 user $USER_ID"
type_in Enter
check_shown "it fails" 'status 1'
check_not "there is no second cookie" test -e cookie-tv.txt

begin "a running gateway, and a cookie file behind a link"
mkdir -p secrets
ln -sf secrets/cookie.txt cookie.txt
printf '%s\n' "$SIM_COOKIE" >secrets/cookie.txt
hash="$(printf '%s' "$E2E_PASSWORD" | "$DAV115" hash-password)"
configuration dav115.toml <<END
[[users]]
name = "$E2E_USER"
password_hash = '$hash'
[[mounts]]
path = "/"
END
serve dav115.toml
check "it serves" dav_curl /Music/ -o page
control cookie -d '{"action": "expire"}'
is_signed_out() {
    [[ "$(curl -s -o page -w '%{http_code}' -u "$E2E_USER:$E2E_PASSWORD" "$GATEWAY_URL/deep/")" == 503 ]]
}
check "with a dead cookie it does not" wait_until 10 is_signed_out
check "it names the command that helps" grep -qF 'dav115 login --account main' page
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "signing in ends well" 'status 0'
check "the gateway serves again, without a new start" dav_curl /deep/ -o page
check "the link is still one" test -L cookie.txt
check_text "the mode behind it" 600 "$(stat -c %a secrets/cookie.txt)"
stop "$GATEWAY_PID"

begin "the same slot in another account"
configuration dav115.toml <<END
[[accounts]]
name = "spare"
cookie = "$SIM_COOKIE"
END
in_terminal 80 24 -- login --account main
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "the cookie that has ended is named" 'Of the cookies known here this has ended that of the account "spare"'

say "a reader that goes away"
mkfifo pipe
# Opened by somebody who closes it again before anything is written.
sed -n q pipe &
reader=$!
exec 9>pipe
sleep 0.2
kill "$reader" 2>/dev/null || true
wait "$reader" 2>/dev/null || true
status=0
"$DAV115" login --account main >&9 2>err </dev/null || status=$?
exec 9>&-
check_text "is no success" 1 "$status"
check "it says so" grep -qF 'nothing can be shown' err

begin "without an account"
in_terminal 80 24 -- login --output new.txt
wait_until 10 shows 'Waiting for the scan'
phone confirm
check_shown "it ends well" 'status 0'
check_shown "it says what to do with the file" 'Name the file as cookie_file of an account'
check_text "the cookie is there" "${USER_ID}_R2" "$(uid_of_cookie new.txt)"
finish
