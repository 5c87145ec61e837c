#!/bin/sh
# Prints the permission flags of `server`, `client` or `all` (both), from scripts/flags beside this file.
# POSIX sh without external programs, so that it costs nothing at every start.
who=${1:-all}
while read -r owner flag; do
  case $owner in
    '' | '#'*) ;;
    all) printf '%s\n' "$flag" ;;
    *) if [ "$who" = all ] || [ "$who" = "$owner" ]; then printf '%s\n' "$flag"; fi ;;
  esac
done <"${0%/*}/flags"
