// A good subscriber in Node.js: says when an event is published or called off, once for each.
//
//   npm install && KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 node subscriber.js [--once] [--group NAME]
import { Consumer, FetchIsolationLevels, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'
import { parseArgs } from 'node:util'

const TOPIC = 'uso.events.events.v1'
const { values: options } = parseArgs({
  options: { once: { type: 'boolean' }, group: { type: 'string', default: 'example-node' } }
})

const consumer = new Consumer({
  clientId: 'example-node',
  groupId: options.group,
  bootstrapBrokers: process.env.KAFKA_BOOTSTRAP_SERVERS.split(','),
  isolationLevel: FetchIsolationLevels.READ_COMMITTED, // what was never committed is on the topic too
  autocommit: false, // the place is committed after the effect, never before it
  maxWaitTime: 200
})
const newest = new Map() // key → sequence; a subscriber with a database keeps it there, beside what it stores

function take (key, value) {
  if (!value) return newest.set(key, Infinity) // a tombstone: delete what you hold under the key
  const message = JSON.parse(value.toString())
  if (message.sequence <= (newest.get(key) ?? 0)) return // old news, or the same again
  newest.set(key, message.sequence)
  if (message.type !== 'fi.uso.event.transitioned') return // a type that is not for us
  const { state } = message.data
  console.log(`${state.kind} ${state.id} is ${state.state}`)
}

const stream = await consumer.consume({
  topics: [TOPIC],
  mode: MessagesStreamModes.COMMITTED,
  fallbackMode: MessagesStreamFallbackModes.EARLIEST
})
if (options.once) {
  const ends = (await consumer.listOffsets({ topics: [TOPIC] })).get(TOPIC)
  const atTheEnd = () => ends.every((end, partition) => (stream.offsetsToFetch.get(`${TOPIC}:${partition}`) ?? -1n) >= end)
  stream.on('fetch', () => setImmediate(() => atTheEnd() && stream.readableLength === 0 && stream.close()))
}
for await (const { key, value, commit } of stream) {
  take(key.toString(), value)
  await commit()
}
await consumer.close()
