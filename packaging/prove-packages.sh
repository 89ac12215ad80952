#!/usr/bin/env bash
# Shows that the packages do what they say on a clean Debian 12: the .deb installs, runs as its own user, passes doctor, works on the sample notices, is upgraded with
# its data, and is purged without a trace; the tarball does the same for a user without rights. As root; makes the tree with debootstrap (60 MB are fetched) or
# takes a packed one with BASE=tree.tar.
#   bash packaging/prove-packages.sh lastbuy_VERSION_amd64.deb lastbuy-VERSION-x86_64.tar.gz
set -euo pipefail
deb=$(realpath "${1:?the .deb}") tarball=$(realpath "${2:?the .tar.gz}")
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf "$root"' EXIT
if [ -n "${BASE:-}" ]; then
    tar -C "$root" -xf "$BASE"
else
    mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" | head -n 1)
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" || { tail -n 5 "$root.log" >&2; exit 1; }
fi
mount -t proc proc "$root/proc"
cp "$deb" "$root/lastbuy.deb"
cp "$tarball" "$root/lastbuy.tar.gz"
cp -r "$here/assets/notices" "$here/assets/factory" "$root/srv/"
chmod -R a+rX "$root/srv" "$root"/lastbuy.*

cat >"$root/inside.sh" <<'INSIDE'
set -euo pipefail
said() { printf -- '-- %s\n' "$*"; }
# Serves as a user, imports the sample factory, takes the sample notices and waits for them, and stops in order. Words are the command.
works() {
    local who=$1; shift
    as() { runuser -u "$who" -- "$@"; }
    as "$@" config check
    as "$@" serve --listen 127.0.0.1:8797 2>/tmp/served &
    local server=$! waited=0
    until as "$@" jobs list >/dev/null 2>&1 || [ $((waited += 1)) -gt 300 ]; do sleep 0.2; done
    as "$@" data import /srv/factory | tail -n 1
    as "$@" ingest --wait /srv/notices/*.txt /srv/notices/*.eml 2>/dev/null | tail -n 1
    as "$@" cases list | tail -n 2
    as "$@" doctor
    said "served by: $(ps -o user= -p "$(pgrep -f 'serve --listen 127.0.0.1:8797' | tail -n 1)" 2>/dev/null || stat -c %U /proc/"$(pidof lastbuy | tr ' ' '\n' | tail -n 1)")"
    kill -TERM $server
    wait $server || said "the server ended with $?"
}
said "install"
dpkg -i /lastbuy.deb 2>&1 | tail -n 2
stat -c '%U:%G %a %n' /var/lib/lastbuy /etc/lastbuy /etc/lastbuy/lastbuy.toml
works lastbuy lastbuy
before=$(runuser -u lastbuy -- lastbuy events list --json | grep -c '"received_at"')
said "upgrade over it, with $before events"
dpkg -i /lastbuy.deb 2>&1 | tail -n 1
[ "$(runuser -u lastbuy -- lastbuy events list --json | grep -c '"received_at"')" = "$before" ]
runuser -u lastbuy -- lastbuy doctor --deep | tail -n 1
said "purge"
dpkg --purge lastbuy 2>&1 | tail -n 1
for left in /var/lib/lastbuy /etc/lastbuy /usr/bin/lastbuy /usr/share/doc/lastbuy /usr/lib/systemd/system/lastbuy.service; do
    [ ! -e "$left" ] || { echo "$left is left" >&2; exit 1; }
done
! getent passwd lastbuy || { echo "the user is left" >&2; exit 1; }
said "tarball, without root"
useradd --create-home somebody
cd /home/somebody
runuser -u somebody -- tar xzf /lastbuy.tar.gz
works somebody ./lastbuy-*/lastbuy --data-dir /home/somebody/data
INSIDE
chroot "$root" bash /inside.sh
echo "packages: everything was as it should be"
