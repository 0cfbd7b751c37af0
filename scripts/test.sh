#!/bin/sh
# `npm test`: sets up what is missing, then every check that is quick. Arguments go to vitest.
set -eu
. "$(dirname "$0")/setup.sh"
. scripts/steps.sh
step types tsc -p tsconfig.json
step lint oxlint
step unused knip
tests tests "$@"
finish
