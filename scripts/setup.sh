# Sourced by the other scripts: goes to the root of the repository, installs what the lock file names where that is
# missing or old, and sets $node to the Node.js to run on. Says nothing unless it has something to do.
cd "$(dirname "$0")/.." || exit 1
PATH="$PWD/node_modules/.bin:$PATH"

# npm writes node_modules/.package-lock.json at the end of every whole installation, so one that was interrupted has
# none. Ours is a copy of the lock file: it stays true when the tree is copied and its times mean nothing.
is_installed() {
  [ -f node_modules/.package-lock.json ] || return 1
  cmp -s package-lock.json node_modules/.holdfast-lock && return 0
  # Somebody ran npm by hand since: that is as good.
  [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ]
}

install() {
  echo 'holdfast: installing what package-lock.json names; this happens once …' >&2
  # Under `npm start` the first npm on PATH would run on the Node.js that it is about to delete, hence the outer one.
  if [ -n "${npm_execpath:-}" ] && [ -n "${npm_node_execpath:-}" ] && [ -x "$npm_node_execpath" ] && [ "${npm_execpath##*/}" = npm-cli.js ]; then
    "$npm_node_execpath" "$npm_execpath" ci --no-audit --no-fund --loglevel=error >/dev/null
  else
    npm ci --no-audit --no-fund --loglevel=error >/dev/null
  fi || { echo 'holdfast: npm ci failed, see above' >&2; exit 1; }
  # No pinned Node.js runs here (musl, or an uncommon processor): the machine's own must do.
  node_modules/.bin/node --version >/dev/null 2>&1 || rm -f node_modules/.bin/node
  cp package-lock.json node_modules/.holdfast-lock
}

is_installed || install

node=node_modules/.bin/node
if [ ! -x "$node" ]; then
  node=${npm_node_execpath:-node}
  "$node" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' || {
    echo "holdfast: no Node.js is pinned for this platform, and $("$node" --version 2>&1) is older than 24: install Node.js 24 or later" >&2
    exit 1
  }
fi
