#!/bin/sh
# What a newcomer does: clones the repository, starts it with the demo, looks at it, and stops it. The clone has what
# is committed, and nothing that is merely lying around here.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
server=''
tidy() {
  status=$?
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then kill -9 "$server"; fi
  if [ "$status" -ne 0 ] && [ -f "$dir/output" ]; then
    echo 'fresh clone: the output of npm start:' >&2
    tail -n 60 "$dir/output" >&2
  fi
  rm -rf "$dir"
  exit "$status"
}
trap tidy EXIT
trap 'exit 130' INT TERM

# The newcomer's machine has neither our Node.js on its PATH nor our settings in its environment.
for name in $(env | sed -nE 's/^(npm_[A-Za-z0-9_]*|HOLDFAST_[A-Z_]*|NODE_OPTIONS)=.*/\1/p'); do unset "$name"; done
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v '/node_modules/' | paste -sd: -)

# Port 0 would tell a free one only through the log, so ask the system first.
port=$(node -e "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })")

git clone --quiet . "$dir/holdfast"
cd "$dir/holdfast"
npm start -- --demo --port "$port" --data "$dir/data" >"$dir/output" 2>&1 &
server=$!

# Asks until the answer is 200. Installation comes first, so the patience is for a slow network.
seconds=0
until node -e "fetch('http://127.0.0.1:$port/readyz').then((answer) => process.exit(answer.status === 200 ? 0 : 1), () => process.exit(1))"; do
  seconds=$((seconds + 1))
  kill -0 "$server" 2>/dev/null || { echo 'fresh clone: the server ended by itself' >&2; exit 1; }
  [ "$seconds" -lt 240 ] || { echo 'fresh clone: not ready in time' >&2; exit 1; }
  sleep 1
done
echo "fresh clone: ready $seconds s after npm start"

sleep 5
node -e "
  const look = async (path, want) => {
    const answer = await fetch('http://127.0.0.1:$port' + path);
    const text = await answer.text();
    if (answer.status !== 200 || !text.includes(want)) throw new Error(path + ' answered ' + answer.status + ' without ' + want);
  };
  Promise.all([look('/readyz', ''), look('/', '<html'), look('/openapi.json', '\"openapi\"')]).catch((error) => { console.error(error.message); process.exit(1); });
"

kill -TERM "$server"
code=0
wait "$server" || code=$?
server=''
[ "$code" -eq 0 ] || { echo "fresh clone: npm start ended with $code after SIGTERM" >&2; exit 1; }
if node -e "fetch('http://127.0.0.1:$port/readyz').then(() => process.exit(0), () => process.exit(1))"; then
  echo 'fresh clone: the server still answers after npm start has ended' >&2
  exit 1
fi
# Running and stopping leaves no file that git would show.
[ -z "$(git status --porcelain)" ] || { echo 'fresh clone: the clone is dirty:' >&2; git status --short >&2; exit 1; }
echo 'fresh clone: stopped cleanly'
