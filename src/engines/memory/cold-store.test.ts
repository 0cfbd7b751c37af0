import { must } from '../../base/assert.ts';
import { coldStoreConformance } from '../../store/conformance/conformance.ts';
import { openMemoryColdStore } from './memory.ts';

const places = new Map<string, Map<string, Uint8Array>>();

coldStoreConformance('memory', {
  async place() {
    const name = `place ${places.size}`;
    places.set(name, new Map());
    return name;
  },
  open: (place) => openMemoryColdStore({ objects: must(places.get(place), `${place} was discarded`) }),
  discard: async (place) => void places.delete(place),
});
