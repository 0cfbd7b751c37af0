#!/bin/sh
# `npm run check:long`: what takes minutes, not seconds: crashes, thousands of simulated histories, a month of real
# sales, and what a newcomer types, in a fresh clone. Arguments go to vitest.
set -eu
. "$(dirname "$0")/setup.sh"
. scripts/steps.sh
export HOLDFAST_LONG=1
# The mutation check takes some minutes by itself: `npm run check:longest`.
tests long-tests tests/long --exclude tests/long/mutants.test.ts "$@"
step fresh-clone sh scripts/fresh-clone.sh
step package sh scripts/package.sh
finish
