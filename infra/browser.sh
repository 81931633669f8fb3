#!/bin/sh
# Chromium for the browser tests, where it can be installed: as root on Debian. Elsewhere those tests skip and say why.
command -v chromium >/dev/null 2>&1 && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "installing chromium for the browser tests …"
log=$(mktemp)
{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium; } \
    >"$log" 2>&1 || { tail -3 "$log"; echo "chromium could not be installed: the browser tests will say so"; }
rm -f "$log"
