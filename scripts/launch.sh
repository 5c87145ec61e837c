#!/bin/sh
# Starts Sealpost with what this machine has: launch.sh server|client ARGS...
# In this order: the compiled executable beside the start scripts, Deno from PATH, Deno installed once by npm.
# Always ends in exec, so that signals and exit codes are the program's own.
# Exit codes of this script itself: 2 something is missing on this machine, 3 a download failed.
set -euf # f: flags are words, never patterns for file names

deno_wanted=2.9.6  # what npm installs when PATH has no Deno that is new enough
deno_minor_least=4 # 2.4 is the oldest that runs Sealpost

scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=${scripts%/*}

say() { printf 'sealpost: %s\n' "$*" >&2; }
fail() {
  code=$1
  shift
  say "$*"
  exit "$code"
}

# Succeeds when the Deno at $1 is 2.4 or newer; leaves its version in $version.
new_enough() {
  version=$("$1" --version 2>/dev/null </dev/null | sed -n '1s/^deno \([0-9][0-9.]*\).*/\1/p')
  major=${version%%.*}
  rest=${version#*.}
  minor=${rest%%.*}
  case $major$minor in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge "$deno_minor_least" ]; }
}

# npm puts a script in front of Deno that does not pass signals on: look behind it for the program itself.
behind_shim() {
  if [ "$(head -c 2 "$1" | tr -d '\0')" = '#!' ]; then
    real=$("$1" eval 'console.log(Deno.execPath())' 2>/dev/null </dev/null) || real=
    if [ -n "$real" ] && [ -x "$real" ]; then
      printf '%s\n' "$real"
      return
    fi
  fi
  printf '%s\n' "$1"
}

# Sets $cache, a folder that only this user writes to (what lies in it is executed).
need_cache() {
  if [ -n "${XDG_CACHE_HOME:-}" ]; then
    cache=$XDG_CACHE_HOME/sealpost
  elif [ -n "${HOME:-}" ]; then
    cache=$HOME/.cache/sealpost
  else
    fail 2 "neither HOME nor XDG_CACHE_HOME is set, so there is no place to keep Deno in; set one of them"
  fi
}

# Installs Deno with npm into a folder of its own, then moves the one file into place by rename: two scripts that
# start at once may both do the work, and neither ever sees half a file.
install_deno() {
  say "no Deno 2.$deno_minor_least or newer on PATH: installing deno@$deno_wanted with npm, once, into $cache"
  mkdir -p "$cache/deno-$deno_wanted" || fail 2 "cannot write to $cache"
  tmp=$(mktemp -d "$cache/installing.XXXXXX") || fail 2 "cannot write to $cache"
  trap 'rm -rf "$tmp"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  npm install --prefix "$tmp" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
    --no-update-notifier --loglevel=error --fetch-retries=1 "deno@$deno_wanted" </dev/null >/dev/null ||
    fail 3 "npm could not install deno@$deno_wanted; check that its registry can be reached, or install Deno 2.$deno_minor_least or newer"
  set +f
  for file in "$tmp"/node_modules/@deno/*/deno; do
    [ -x "$file" ] || fail 2 "npm has no Deno for this machine ($(uname -sm)); install Deno 2.$deno_minor_least or newer"
    mv -f "$file" "$1"
    break
  done
  set -f
  rm -rf "$tmp"
  trap - EXIT INT TERM HUP
}

# Sets $deno, and $version of it.
find_deno() {
  on_path=$(command -v deno) || on_path=
  if [ -n "$on_path" ] && new_enough "$on_path"; then
    deno=$(behind_shim "$on_path")
    return
  fi
  [ -z "$on_path" ] || say "$on_path is too old (${version:-version unknown}), Sealpost needs 2.$deno_minor_least or newer"
  need_cache
  deno=$cache/deno-$deno_wanted/deno
  version=$deno_wanted
  [ -x "$deno" ] && return
  command -v npm >/dev/null || fail 2 \
    "nothing to run it with: install Deno 2.$deno_minor_least or newer, or Node.js with npm, or put the compiled executable at $root/sealpost"
  install_deno "$deno"
}

# Fetches the packages that deno.lock names, once per lock file, so that a missing registry is reported as such.
fetch_packages() {
  need_cache
  stamp=$cache/packages-$(cksum <"$root/deno.lock" | tr ' ' '-')-$version
  [ -e "$stamp" ] && return
  say "fetching the packages that Sealpost is made of, once"
  # Not by entry point: Deno 2.4 would then look for types too, which no start needs and the lock file does not name.
  (cd "$root" && "$deno" install --quiet --frozen) </dev/null >&2 ||
    fail 3 "the packages could not be fetched; check that the npm registry can be reached (.npmrc and NPM_CONFIG_REGISTRY name another)"
  mkdir -p "$cache" && : >"$stamp" || say "cannot write to $cache, so this is repeated at the next start"
}

if [ -f "$root/sealpost" ] && [ -x "$root/sealpost" ]; then exec "$root/sealpost" "$@"; fi
find_deno
fetch_packages
# shellcheck disable=SC2046 # one flag per word is what is wanted
exec "$deno" run --quiet --frozen --config "$root/deno.json" $(sh "$scripts/flags.sh" "$1") "$root/main.ts" "$@"
