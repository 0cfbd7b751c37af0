import { must } from '../../base/assert.ts';
import { conformance, PARTITIONS } from '../../store/conformance/conformance.ts';
import { openMemory, type MemoryStore } from './memory.ts';

/** A place is a database in memory; the store that made it keeps it while others come and go. */
const places = new Map<string, MemoryStore>();
let made = 0;

conformance('memory', {
  sharing: true,
  durable: true,
  async place() {
    const name = `place ${++made}`;
    places.set(name, openMemory({ partitions: PARTITIONS }));
    return name;
  },
  async open(place) {
    return must(places.get(place), `${place} was discarded`).share();
  },
  async discard(place) {
    await places.get(place)?.[Symbol.asyncDispose]();
    places.delete(place);
  },
  reference: async () => openMemory({ partitions: PARTITIONS }),
});
