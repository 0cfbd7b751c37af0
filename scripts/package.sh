#!/bin/sh
# What a user of the npm package does: packs it, installs the tarball beside nothing else, imports both doors, type
# checks against them and runs the command.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
node=$PWD/node_modules/.bin/node
tsc=$PWD/node_modules/.bin/tsc
npm pack --loglevel=error --pack-destination "$dir" >/dev/null
cd "$dir"
echo '{ "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund --loglevel=error ./holdfast-*.tgz >/dev/null
cat >door.ts <<'TS'
import * as app from 'holdfast';
import * as client from 'holdfast/client';
if (Object.keys(app).length === 0 || Object.keys(client).length === 0) throw new Error('a door is empty');
TS
"$tsc" --noEmit --strict --skipLibCheck --module nodenext --target es2024 --lib es2024,esnext.disposable,esnext.iterator,dom --types '' door.ts
"$node" door.ts
PATH=$(dirname "$node"):$PATH ./node_modules/.bin/holdfast --help >/dev/null
echo "package: $(tar -tzf ./holdfast-*.tgz | wc -l | tr -d ' ') files, installs and runs"
