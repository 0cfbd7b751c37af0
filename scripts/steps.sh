# Sourced by the checks: `step NAME COMMAND…` runs a check and goes on after a failure, so that one run tells all;
# `finish` exits with 1 if any failed. Where HOLDFAST_TALLY names a directory, scripts/tally.ts can count it later.
failed=''

step() {
  name=$1
  shift
  echo
  echo "── $name"
  if "$@"; then outcome=passed; else outcome=failed; fi
  if [ "$outcome" = failed ]; then failed="$failed, $name"; fi
  if [ -n "${HOLDFAST_TALLY:-}" ]; then echo "$outcome $name" >>"$HOLDFAST_TALLY/steps"; fi
}

# Runs vitest as a step. Its tests are counted one by one from the report.
tests() {
  name=$1
  shift
  if [ -z "${HOLDFAST_TALLY:-}" ]; then
    step "$name" vitest run "$@"
  else
    step "$name" vitest run --reporter=default --reporter=json --outputFile.json="$HOLDFAST_TALLY/$name.json" "$@"
  fi
}

finish() {
  [ -z "$failed" ] && exit 0
  echo >&2
  echo "failed: ${failed#, }" >&2
  exit 1
}
