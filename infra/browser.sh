#!/bin/sh
# Chromium for the browser tests, where it can be installed: as root on Debian. Elsewhere those tests skip and say why.
# The headless shell by itself if it can be had: the same engine, and the tests take half the time.
command -v chromium-headless-shell >/dev/null 2>&1 && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "installing chromium for the browser tests …"
log=$(mktemp)
install() { DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$1"; }
{ apt-get update -q; install chromium-headless-shell || command -v chromium || install chromium; } >"$log" 2>&1 ||
    { tail -3 "$log"; echo "chromium could not be installed: the browser tests will say so"; }
rm -f "$log"
