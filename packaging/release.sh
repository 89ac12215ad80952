#!/usr/bin/env bash
# Makes a release of this commit in target/release-<version>/: the program with its models inside, .tar.gz, .deb, .rpm, and the offline bundle that `lastbuy update`
# takes: program with models, checksums, SBOM, licences, release notes, guide. `--key FILE` signs (minisign secret key of whoever answers for the release; never in the repository), `--password-file FILE`
# opens that key. Without a key nothing is signed, which is said; a site takes only signed bundles.
#   PROGRAM=path   takes this program instead of building one, to try the packaging itself
#   FEATURES=...   passed to cargo, for a build with GPU support; NAME_SUFFIX=-cuda names it
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

key="" password_file=""
while [ $# -gt 0 ]; do
    case "$1" in
    --key) key=$(realpath "${2:?--key needs a file}") && shift 2 ;;
    --password-file) password_file=$(realpath "${2:?--password-file needs a file}") && shift 2 ;;
    *) fail "release.sh [--key FILE [--password-file FILE]]" ;;
    esac
done
for tool in dpkg-deb:dpkg rpmbuild:rpm gzip:gzip strip:binutils; do
    command -v "${tool%%:*}" >/dev/null || install "${tool##*:}"
done

version=$(sed -n '0,/^version = "\(.*\)"$/s//\1/p' Cargo.toml)
case "$(uname -m)" in
x86_64) arch=x86_64 deb_arch=amd64 ;;
aarch64) arch=aarch64 deb_arch=arm64 ;;
*) fail "no release is made for $(uname -m)" ;;
esac
target="${CARGO_TARGET_DIR:-$PWD/target}"
name="lastbuy${NAME_SUFFIX:-}"
out="$target/release-$version"
# Everything that is dated carries the commit's time, so that two releases of one commit differ in nothing.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || printf '0')
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
umask 022
rm -rf "$out"
mkdir -p "$out/work"
work="$out/work"

say() { printf 'release: %s\n' "$*" >&2; }

build() {
    # No path of this machine in the program, whoever builds it and where. The folder of the sources shows in debug information alone, which is taken off below, and is
    # left out here so that the same flags build the dependencies in every folder.
    local home="${CARGO_HOME:-$HOME/.cargo}"
    export RUSTFLAGS="--remap-path-prefix=$home=/cargo" CFLAGS="-ffile-prefix-map=$home=/cargo" CXXFLAGS="-ffile-prefix-map=$home=/cargo"
    CARGO_TARGET_DIR="$target/release-build" nice -n 15 cargo build --release --locked --bin lastbuy ${FEATURES:+--features "$FEATURES"} </dev/null
    built="$target/release-build/release/lastbuy"
}
if [ -n "${PROGRAM:-}" ]; then built=$PROGRAM; else build; fi

# ---- the program, with its models behind it -------------------------------------------------------------------------------------------------
cp "$built" "$work/bare"
strip --strip-debug "$work/bare"
# What `addr2line` needs to read a crash report from a site; stays with whoever made the release.
objcopy --only-keep-debug "$built" "$out/$name-$version-$arch.debug"
# The adapter is part of the program itself.
"$work/bare" release carry --program "$work/bare" --to "$work/lastbuy" "$model" >"$work/models.txt"
program="$work/lastbuy"
glibc=$(objdump -T "$work/bare" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)

# ---- what goes beside it --------------------------------------------------------------------------------------------------------------------
docs="$work/doc"
mkdir -p "$docs" "$work/man" "$work/completions"
"$work/bare" release man "$work/man"
for shell in bash zsh fish; do "$work/bare" release completions $shell >"$work/completions/lastbuy.$shell"; done
gzip -n9 "$work/man"/*.1
python3 packaging/sbom.py --target "$arch-unknown-linux-gnu" --sbom "$docs/sbom.cdx.json" --licences "$docs/licences.txt" --models "$work/models.txt" --program "$work/bare"
cp LICENSE CHANGELOG.md packaging/operations.md packaging/security.md packaging/grafana.json "$docs/"
"$work/bare" config show --default >"$docs/lastbuy.toml"
[ -z "$key" ] || "$work/bare" release public-key --key "$key" ${password_file:+--password-file "$password_file"} >"$docs/release.pub"
notes="$work/release-notes.md"
{
    printf '# Lastbuy %s\n\n' "$version"
    printf 'For %s, Linux with %s or newer. Needs: %s.\n\n' "$arch" "$glibc" "$(objdump -p "$work/bare" | awk '/NEEDED/ {print $2}' | paste -sd ' ')"
    awk '/^## \[/ { if (seen++) exit; next } seen' CHANGELOG.md
} >"$notes"
cp "$notes" "$docs/"

# ---- .tar.gz: runs from where it is unpacked, without root ----------------------------------------------------------------------------------
tree="$work/$name-$version-$arch"
mkdir -p "$tree/systemd" "$tree/man"
install_as() { command install -D -m "$1" "$2" "$3"; }
install_as 755 "$program" "$tree/lastbuy"
[ -z "$key" ] || install_as 644 "$docs/release.pub" "$tree/release.pub"
cp -r "$docs" "$work/completions" "$tree/"
cp "$work/man"/* "$tree/man/"
cp packaging/systemd/* "$tree/systemd/"
packed() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=ustar -C "$1" -cf - "$2" | gzip -n6; }
packed "$work" "$name-$version-$arch" >"$out/$name-$version-$arch.tar.gz"

# ---- the tree that both packages install ----------------------------------------------------------------------------------------------------
root="$work/root"
install_as 755 "$program" "$root/usr/bin/lastbuy"
install_as 644 packaging/systemd/lastbuy.service "$root/usr/lib/systemd/system/lastbuy.service"
install_as 644 packaging/systemd/sysusers.conf "$root/usr/lib/sysusers.d/lastbuy.conf"
install_as 644 packaging/systemd/tmpfiles.conf "$root/usr/lib/tmpfiles.d/lastbuy.conf"
install_as 640 "$docs/lastbuy.toml" "$root/etc/lastbuy/lastbuy.toml"
for page in "$work/man"/*.gz; do install_as 644 "$page" "$root/usr/share/man/man1/${page##*/}"; done
install_as 644 "$work/completions/lastbuy.bash" "$root/usr/share/bash-completion/completions/lastbuy"
install_as 644 "$work/completions/lastbuy.zsh" "$root/usr/share/zsh/vendor-completions/_lastbuy"
install_as 644 "$work/completions/lastbuy.fish" "$root/usr/share/fish/vendor_completions.d/lastbuy.fish"
for file in "$docs"/*; do install_as 644 "$file" "$root/usr/share/doc/lastbuy/${file##*/}"; done
[ -z "$key" ] || install_as 644 "$docs/release.pub" "$root/usr/share/lastbuy/release.pub"
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

deb() {
    cp -a "$root" "$work/deb"
    mkdir "$work/deb/DEBIAN"
    cp packaging/debian/* "$work/deb/DEBIAN/"
    sed -i "s/@VERSION@/$version/; s/@ARCH@/$deb_arch/; s/@SIZE@/$(du -sk "$root" | cut -f1)/; s/@GLIBC@/${glibc#GLIBC_}/" "$work/deb/DEBIAN/control"
    chmod 755 "$work/deb/DEBIAN"/{postinst,prerm,postrm}
    # The model does not shrink: xz would take minutes to find that out.
    dpkg-deb --root-owner-group -Zgzip --build "$work/deb" "$out/${name}_${version}_$deb_arch.deb" >/dev/null
}

rpm() {
    rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "_rpmdir $out" --define "_rpmfilename ${name}-${version}.$arch.rpm" --define "version_ $version" \
        --define "root_ $root" --define "with_key $([ -n "$key" ] && printf 1 || printf 0)" --define "_build_id_links none" --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" \
        --define "clamp_mtime_to_source_date_epoch 1" --define "_binary_payload w6.gzdio" --target "$arch" packaging/rpm/lastbuy.spec
}
deb
rpm

# ---- the offline bundle ---------------------------------------------------------------------------------------------------------------------
if [ -n "$key" ]; then
    mkdir "$work/bundle"
    cp "$program" "$work/bundle/lastbuy"
    cp "$docs"/{sbom.cdx.json,licences.txt,LICENSE,release-notes.md,operations.md,security.md} "$work/bundle/"
    "$work/bare" release bundle "$work/bundle" --key "$key" ${password_file:+--password-file "$password_file"} --to "$out/$name-$version-$arch.lastbuy"
    "$work/bare" update verify "$out/$name-$version-$arch.lastbuy" --key "$docs/release.pub"
else
    say "no --key was given: the offline bundle, which must be signed, is not made"
fi

# ---- what there is now ----------------------------------------------------------------------------------------------------------------------
rm -rf "$work/deb" "$work/rpm"
cp "$notes" "$docs/sbom.cdx.json" "$docs/licences.txt" "$out/"
(cd "$out" && sha256sum -- *.* >SHA256SUMS)
say "shared libraries: $(objdump -p "$work/bare" | awk '/NEEDED/ {print $2}' | paste -sd ' '); oldest glibc: $glibc"
# Sizes in MiB and what each may have; past its budget the release fails, so that growth is decided and not found out.
over=0
budget() {
    local size=$(($(stat -c %s "$2") >> 20))
    printf '%-46s %5d MiB of %d\n' "$1" "$size" "$3"
    [ "$size" -le "$3" ] || over=1
}
budget "program without models" "$work/bare" "${BARE_MIB_MAX:-70}"
budget "program with models" "$program" "${PROGRAM_MIB_MAX:-190}"
for file in "$out"/*.deb "$out"/*.rpm "$out"/*.tar.gz; do budget "${file##*/}" "$file" "${PACKAGE_MIB_MAX:-150}"; done
for file in "$out"/*.lastbuy; do [ ! -e "$file" ] || budget "${file##*/}" "$file" "${BUNDLE_MIB_MAX:-160}"; done
rm -rf "$work"
[ $over = 0 ] || fail "something is over its size budget"
