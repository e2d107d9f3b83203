#!/usr/bin/env bash
# The index pages in a browser: what it makes of them, and pictures for people to look at.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need chromium
build
cd "$WORK_DIR"
PICTURES="${PICTURES:-$(mktemp -d "${TMPDIR:-/tmp}/dav115-pictures.XXXXXX")}"
FLAGS=(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --hide-scrollbars)

escaped() {
    jq -rn --arg text "$1" '$text | split("/") | map(@uri) | join("/")'
}

# address PATH: with the password in it, as a person might type it. PATH is not escaped.
address() {
    echo "http://$E2E_USER:$(escaped "$E2E_PASSWORD")@${GATEWAY_URL#http://}$(escaped "$1")"
}

# browse PATH ARGUMENT...: opens it with a profile nobody has used before.
browse() {
    local path=$1 profile
    shift
    profile="$(mktemp -d "$WORK_DIR/profile.XXXXXX")"
    timeout 90 chromium "${FLAGS[@]}" --user-data-dir="$profile" "$@" "$(address "$path")" \
        </dev/null 2>"$WORK_DIR/chromium.err"
}

# children FOLDER: what the page of it should list; FOLDER ends with a slash.
children() {
    tree list | awk -v folder="${1#/}" 'index($0, folder) == 1 {
        name = substr($0, length(folder) + 1)
        if (name != "" && (index(name, "/") == 0 || index(name, "/") == length(name))) print name "\t" name
    }' | sort
}

# check_page TREE FOLDER
check_page() {
    children "$2" >expected
    browse "$2" --dump-dom >dom || true
    python3 "$E2E_DIR/page.py" entries "$2" <dom >shown
    check_same "$1: $2 lists its $(wc -l <expected) entries" expected shown
    check_text "$1: $2 holds nothing it should not" "" "$(python3 "$E2E_DIR/page.py" problems <dom)"
}

# picture NAME PATH ARGUMENT...
picture() {
    local name=$1 path=$2
    shift 2
    rm -f "$PICTURES/$name.png"
    browse "$path" --screenshot="$PICTURES/$name.png" "$@" || true
    check "picture: $name.png" test -s "$PICTURES/$name.png"
}

say "the pages of demo"
start_sim demo
start_gateway redirect </dev/null
check_page demo /
check_page demo "/剧集/三体/Season 01/"
check_page demo "/电影/流浪地球 (2019)/"
check_page demo "/Music/🎵 Live & Loud #1/"
check_text "a page wants a password" 401 "$(curl -s -o /dev/null -w '%{http_code}' "$GATEWAY_URL/")"
picture wide / --window-size=1280,800
picture folder "/剧集/三体/Season 01/" --window-size=1280,800
picture mobile "/电影/流浪地球 (2019)/" --window-size=390,844
picture dark "/Music/🎵 Live & Loud #1/" --window-size=1280,800 --blink-settings=preferredColorScheme=0

say "the pages of nasty"
start_sim nasty
start_gateway proxy </dev/null
for folder in / /files/ /folders/ /duplicates/ "/normal forms/" "/long names/"; do
    check_page nasty "$folder"
done
browse /files/ --dump-dom >dom || true
python3 "$E2E_DIR/page.py" addresses <dom >links
tree sha1 | grep '  files/' | cut -d ' ' -f 1 | sort >expected
while IFS= read -r address; do
    dav_curl "$address" | sha1sum | cut -d ' ' -f 1
done <links | sort >shown
check_same "nasty: each of the $(wc -l <expected) links in /files/ leads to its file" expected shown
picture nasty-mobile /files/ --window-size=390,1700
echo "        pictures are in $PICTURES"
finish
