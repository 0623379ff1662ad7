#!/usr/bin/env bash
# tests/python/samples.sh SHOW_SAMPLES: images that Pillow wrote, in formats and modes of all kinds, and tables, are what Pillow and
# NumPy take them for. Exit code 77, which says that nothing was tried, where there is no Pillow.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
  echo "no Pillow for $python (Debian's python3-pil): no image of it was read"
  exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$python" "$here/images.py" "$program"
"$python" "$here/tables.py" "$program"
