#!/bin/sh
# `npm run check:long`: what takes minutes, not seconds: crashes, 1,500 simulated histories, a month of real
# sales, and what a newcomer types, in a fresh clone. Arguments go to vitest.
set -eu
. "$(dirname "$0")/setup.sh"
. scripts/steps.sh
export HOLDFAST_LONG=1
# Shorter than each is by itself, so that a slow machine with two cores is done with CI in half an hour; `npm run
# check:longest` has them at full length.
: "${HOLDFAST_KILL_ROUNDS:=16}" "${HOLDFAST_HISTORIES:=8}" "${HOLDFAST_DAMAGES:=80}" "${HOLDFAST_ARCHIVE_KILL_ROUNDS:=40}" "${SIM_COUNT:=1500}"
export HOLDFAST_KILL_ROUNDS HOLDFAST_HISTORIES HOLDFAST_DAMAGES HOLDFAST_ARCHIVE_KILL_ROUNDS SIM_COUNT
# The mutation check takes some minutes by itself: `npm run check:longest`.
tests long-tests tests/long --exclude tests/long/mutants.test.ts "$@"
step fresh-clone sh scripts/fresh-clone.sh
step package sh scripts/package.sh
finish
