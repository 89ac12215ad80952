#!/usr/bin/env bash
# Shows that the packages do what they say on a clean Debian 12: the .deb installs, runs as its own user, passes doctor, works on the sample notices, is upgraded with
# its data, and is purged without a trace; the tarball does the same for a user without rights. As root; makes the tree with debootstrap (60 MB are fetched) or
# takes a packed one with BASE=tree.tar.
# The upgrade is that of a store in the oldest format that was ever released (tests/stores/v1), and of the data that was just made; PREVIOUS=old.deb is installed
# before and upgraded instead of the package itself. NOTICES names other notices than all letters, mails and pages, by their path below /srv: a busy machine reads slowly.
# Ends with "packages: passed" or "packages: FAILED at" and the step.
#   bash packaging/prove-packages.sh lastbuy_VERSION_amd64.deb lastbuy-VERSION-x86_64.tar.gz
set -euo pipefail
deb=$(realpath "${1:?the .deb}") tarball=$(realpath "${2:?the .tar.gz}")
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
finish() {
    local status=$?
    if [ $status -eq 0 ]; then echo "packages: passed"; else echo "packages: FAILED at $(cat "$root/step" 2>/dev/null || echo "the tree")"; fi
    rm -rf --one-file-system "$root"
}
trap finish EXIT
if [ -n "${BASE:-}" ]; then
    tar -C "$root" -xf "$BASE"
else
    mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" | head -n 1)
    debootstrap --variant=minbase --include=procps bookworm "$root" "$mirror" >"$root.log" || { tail -n 5 "$root.log" >&2; exit 1; }
fi
cp "$deb" "$root/lastbuy.deb"
cp "${PREVIOUS:-$deb}" "$root/previous.deb"
cp -r "$here/tests/stores/v1" "$root/srv/oldest"
cp "$tarball" "$root/lastbuy.tar.gz"
cp -r "$here/assets/notices" "$here/assets/factory" "$root/srv/"
chmod -R a+rX "$root/srv" "$root"/lastbuy.*

cat >"$root/inside.sh" <<'INSIDE'
set -euo pipefail
said() { printf -- '-- %s\n' "$*"; }
step() { printf '%s\n' "$*" >/step; said "$*"; }
# Serves as a user from its data directory, imports the sample factory, takes the sample notices and waits for them, and stops in order. The last words are the command.
works() {
    local who=$1 data=$2
    shift 2
    as() { runuser -u "$who" -- "$@"; }
    as "$@" config check
    as "$@" serve --listen 127.0.0.1:8797 2>/tmp/served &
    local server=$! began=$SECONDS
    # Commands would open the store themselves while no server answers, so its socket is waited for.
    until [ -S "$data/admin.sock" ]; do
        kill -0 $server || { cat /tmp/served >&2; exit 1; }
        sleep 0.2
    done
    said "first start took $((SECONDS - began)) s; data of $(stat -c %U "$data/log")"
    as "$@" data import /srv/factory | tail -n 1
    as "$@" ingest --wait ${NOTICES:-/srv/notices/*.txt /srv/notices/*.eml /srv/notices/*.html /srv/notices/*.pdf} 2>/dev/null | tail -n 1
    as "$@" cases list | tail -n 2
    as "$@" doctor
    # The signal goes to the server, not to the program that changed the user; no process outside this tree can be seen here.
    pkill -TERM -x lastbuy
    wait $server || { said "the server ended with $?"; exit 1; }
}
step "install"
dpkg -i /previous.deb 2>&1 | tail -n 2
stat -c '%U:%G %a %n' /var/lib/lastbuy /etc/lastbuy /etc/lastbuy/lastbuy.toml
works lastbuy /var/lib/lastbuy lastbuy
before=$(runuser -u lastbuy -- lastbuy events list --json | grep -c '"received_at"')
step "upgrade, with $before events"
dpkg -i /lastbuy.deb 2>&1 | tail -n 1
[ "$(runuser -u lastbuy -- lastbuy events list --json | grep -c '"received_at"')" = "$before" ]
runuser -u lastbuy -- lastbuy doctor --deep | tail -n 1
step "a store in the oldest format"
install -d -o lastbuy /var/lib/lastbuy/oldest
cp -r /srv/oldest/. /var/lib/lastbuy/oldest/
chown -R lastbuy: /var/lib/lastbuy/oldest
[ "$(runuser -u lastbuy -- lastbuy --data-dir /var/lib/lastbuy/oldest events list --json | grep -c '"received_at"')" = 4 ]
runuser -u lastbuy -- lastbuy --data-dir /var/lib/lastbuy/oldest doctor --deep | tail -n 1
step "purge"
dpkg --purge lastbuy 2>&1 | tail -n 1
for left in /var/lib/lastbuy /etc/lastbuy /usr/bin/lastbuy /usr/share/doc/lastbuy /usr/lib/systemd/system/lastbuy.service; do
    [ ! -e "$left" ] || { echo "$left is left" >&2; exit 1; }
done
! getent passwd lastbuy || { echo "the user is left" >&2; exit 1; }
step "tarball, without root"
useradd --create-home somebody
cd /home/somebody
runuser -u somebody -- tar xzf /lastbuy.tar.gz
works somebody /home/somebody/data ./lastbuy-*/lastbuy --data-dir /home/somebody/data
INSIDE
# Processes of its own, so that nothing outlives the tree and nothing of this machine is seen.
unshare --pid --fork --mount --mount-proc="$root/proc" chroot "$root" bash /inside.sh
