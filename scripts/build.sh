#!/bin/sh
# Makes dist/, which is what the npm package holds: the compiled code and whatever lies beside it, such as pages.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
node_modules/.bin/tsc -p tsconfig.build.json
cd src
find . -type f ! -name '*.ts' -exec sh -c 'for file do mkdir -p "../dist/${file%/*}" && cp "$file" "../dist/$file"; done' sh {} +
