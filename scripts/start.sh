#!/bin/sh
# `npm start -- [flags]`: sets up what is missing, then becomes the server, so that signals reach it and its exit code
# is npm's. The first word may name another command of the program.
set -eu
. "$(dirname "$0")/setup.sh"
case "${1-}" in
  '' | -*) set -- serve "$@" ;;
esac
# What was compiled at the last start need not be compiled again, in each of the threads.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-node_modules/.cache/compile}"
# Most of what a request makes lives only until its batch is durable: a larger young generation throws it away unmoved.
exec "$node" --max-semi-space-size=32 src/main.ts "$@"
