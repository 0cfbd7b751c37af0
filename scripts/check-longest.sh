#!/bin/sh
# `npm run check:longest`: the proofs of `npm run check:long` at full length, which takes hours. Arguments go to vitest.
set -eu
. "$(dirname "$0")/setup.sh"
. scripts/steps.sh
export HOLDFAST_LONG=1
export HOLDFAST_POWER_STATES=10000 HOLDFAST_DISK_FAILURES=200 HOLDFAST_DAMAGES=2000 HOLDFAST_PAUSES=50 HOLDFAST_HISTORIES=100
export HOLDFAST_KILL_ROUNDS=500 HOLDFAST_KILL_ACKNOWLEDGED=1000000 SIM_COUNT=10000
tests longest-tests tests/long/power-loss.test.ts tests/long/failing-disk.test.ts tests/long/damage.test.ts tests/long/pauses.test.ts tests/long/kill.test.ts tests/long/command-kills.test.ts tests/long/archive-kill.test.ts tests/long/linearizable.test.ts tests/long/simulation.test.ts tests/long/mutants.test.ts "$@"
finish
