#!/bin/sh
# `npm start -- [flags]`: sets up what is missing, then becomes the server, so that signals reach it and its exit code
# is npm's. The first word may name another command of the program.
set -eu
. "$(dirname "$0")/setup.sh"
case "${1-}" in
  '' | -*) set -- serve "$@" ;;
esac
# Most of what a request makes lives only until its batch is durable: a larger young generation throws it away unmoved.
exec "$node" --max-semi-space-size=32 src/main.ts "$@"
