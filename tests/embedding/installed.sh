#!/usr/bin/env bash
# installed.sh BUILD COMPILER: builds examples/embedding as a user would, with find_package(laconic) and what
# `cmake --install` has put into an empty folder, from a copy outside this project, and runs it.
set -euo pipefail

source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../examples/embedding")
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$source" "$work/fit"
DESTDIR='' cmake --install "$build" --prefix "$work/installed" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
cmake -S "$work/fit" -B "$work/fit/build" -D CMAKE_CXX_COMPILER="$2" -D CMAKE_BUILD_TYPE=Debug \
  -D CMAKE_PREFIX_PATH="$work/installed" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/fit/build" --target fit_simulated

# The library that it runs with is the installed one.
libraries=$(ldd "$work/fit/build/fit_simulated")
[[ $libraries =~ liblaconic[^$'\n']*" => $work/installed/" ]] || { echo "another liblaconic:"; echo "$libraries"; exit 1; }
"$work/fit/build/fit_simulated" "$source/job.toml"
"$work/installed/bin/laconic" --version
