#!/usr/bin/env bash
# tests/package/deb.sh BUILD: the Debian packages of a build folder, tried in a Debian 12 that has nothing else.
#
# Makes the packages, a minimal system under BUILD/package (kept for the next time), installs program and library there
# with what they depend on, runs the job of the quickstart for some steps and a program with a loop of its own, and
# removes all again without a trace. Needs root that may mount, for debootstrap and chroot: without it exit code 77,
# which says that nothing was tried. A line a statement.
set -euo pipefail

build=$(realpath "$1")
if [ "$(id -u)" -ne 0 ]; then
  echo "deb: not tried: debootstrap and chroot need root" >&2
  exit 77
fi
work=$build/package
root=$work/root
mkdir -p "$work/mount"
if ! mount -t proc proc "$work/mount" 2>/dev/null; then
  echo "deb: not tried: this root may not mount" >&2
  exit 77
fi
umount "$work/mount"

# The mirror that this system's apt uses for bookworm, or Debian's own.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Origin: Debian' 2>/dev/null | sed -n 1p)
mirror=${mirror:-http://deb.debian.org/debian}

rm -f "$work"/*.deb
cpack --config "$build/CPackConfig.cmake" -B "$work/cpack" >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log" >&2; exit 1; }
package=$(find "$work/cpack" -maxdepth 1 -name 'laconic_*.deb')
library=$(find "$work/cpack" -maxdepth 1 -name 'liblaconic[0-9]*.deb')
development=$(find "$work/cpack" -maxdepth 1 -name 'liblaconic-dev_*.deb')
for deb in "$package" "$library" "$development"; do
  echo "made: $(basename "$deb"), $(dpkg-deb -f "$deb" Depends | tr ',' '\n' | wc -l) dependencies"
done

if [ ! -e "$root.complete" ]; then
  rm -rf "$root"
  debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
  touch "$root.complete"
fi
unmount() { mountpoint -q "$root/proc" && umount "$root/proc"; return 0; }
trap unmount EXIT
mount -t proc proc "$root/proc"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

cp "$package" "$root/laconic.deb"
cp "$library" "$root/liblaconic.deb"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"  # where a proxy is told
inside apt-get -q -y update >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; exit 1; }
inside apt-get -q -y install --no-install-recommends /laconic.deb /liblaconic.deb dataset-fashion-mnist >>"$work/apt.log" 2>&1 ||
  { tail -n 20 "$work/apt.log" >&2; exit 1; }
echo "installed: $(inside laconic --version)"

for file in /usr/share/man/man1/laconic.1.gz /usr/share/bash-completion/completions/laconic \
  /usr/share/doc/laconic/copyright /usr/share/doc/laconic/docs/keys.md; do
  [ -s "$root$file" ] || { echo "deb: $file is not there" >&2; exit 1; }
done
job=/usr/share/doc/laconic/examples/fashion_mnist_fda/fda.toml
inside sh -c "cd /root && laconic run $job --set job.steps=20 --set job.name=tried --set evaluation.every='10 steps'" \
  >"$work/run.log" 2>&1 || { cat "$work/run.log" >&2; exit 1; }
grep -q '"finished": true' "$root/root/runs/tried/summary.json"
echo "ran: $job, $(grep -o '"steps": [0-9]*' "$root/root/runs/tried/summary.json" | sed -n 1p)"

# Its charts have letters: what the package depends on brings a font.
inside sh -c "cd /root && laconic report runs/tried --svg --png --pdf" >>"$work/run.log" 2>&1 || { cat "$work/run.log" >&2; exit 1; }
[ "$(grep -c '<use ' "$root/root/runs/tried/charts/accuracy.svg")" -gt 20 ]
echo "drew: $(find "$root/root/runs/tried/charts" -name '*.svg' | wc -l) charts"

# A program that was built with what liblaconic-dev has, which is what this build was: only the library must be there.
cp "$build/tests/embedding/example/fit_simulated" "$root/root/fit"
told=$(inside sh -c "/root/fit /usr/share/doc/laconic/examples/embedding/job.toml")
echo "ran: a loop of its own, $told"
files=$(dpkg-deb -c "$development")
grep -q ' ./usr/include/laconic/session.h$' <<<"$files"
grep -q '/laconicConfig.cmake$' <<<"$files"

inside bash -c 'source /usr/share/bash-completion/completions/laconic; COMP_LINE="laconic ru" COMP_POINT=10; _laconic; [ "${COMPREPLY[0]}" = run ]'
inside dpkg --purge laconic "$(dpkg-deb -f "$library" Package)" >>"$work/apt.log" 2>&1
left=$(find "$root/usr" "$root/etc" "$root/var/lib" -name '*laconic*' -not -path '*/apt/*' | sed -n 1,10p)
[ -z "$left" ] || { echo "deb: left behind: $left" >&2; exit 1; }
rm -rf "$root/root/runs" "$root/root/fit" "$root/laconic.deb" "$root/liblaconic.deb"
echo "removed without a trace"
