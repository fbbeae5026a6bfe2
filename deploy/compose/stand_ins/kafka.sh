# What apache/kafka's entry point promises: KAFKA_A_B=c is a.b=c, and the storage is formatted once.
set -eu
config="${TMPDIR:-/tmp}"/server.properties
env | sed -n '/^KAFKA_HEAP_OPTS=/d; s/^KAFKA_\([A-Z0-9_]*\)=/\1=/p' | while IFS='=' read -r name value; do
  printf '%s=%s\n' "$(printf '%s' "$name" | tr 'A-Z_' 'a-z.')" "$value"
done > "$config"
export CLASSPATH='/opt/kafka/*'
java=/opt/java/bin/java
[ -e /var/lib/kafka/data/meta.properties ] || $java kafka.tools.StorageTool format -t "$CLUSTER_ID" -c "$config"
exec $java ${KAFKA_HEAP_OPTS:-} kafka.Kafka "$config"
