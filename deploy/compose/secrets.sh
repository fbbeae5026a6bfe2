#!/bin/sh
# Makes the secrets that compose.yaml names, in deploy/compose/secrets; those that are there stay as they are.
set -eu
umask 077  # the folder is the caller's alone; the files are mounted, and read by other users in the containers
cd "$(dirname "$0")"
mkdir -p secrets
random() { head -c "$1" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }
make() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; chmod 0444 "secrets/$1"; }
make sealing-keys "$(random 32)"
make signing-keys "$(random 32)"
make mongodb-key "$(head -c 96 /dev/urandom | base64 | tr -d '\n')"
make mongodb-admin "$(random 24 | tr -d '=')"
for service in enrolment events notifications; do
  password=$(random 24 | tr -d '=')
  make "mongodb-$service" "mongodb://$service:$password@mongodb:27017/uso_$service?replicaSet=uso"
done
[ -s secrets/jwks ] || echo "Put the public keys that tokens are checked with into deploy/compose/secrets/jwks, or set JWKS to their https address." >&2
[ -e secrets/jwks ] || : > secrets/jwks
chmod 0444 secrets/jwks
