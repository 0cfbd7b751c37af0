import type { Position } from '../../store/store.ts';
import type { SegmentName } from './segment.ts';

/**
 * The segments that a log is read from, in order. Segments may overlap, where two nodes packed the same commits or one
 * crashed and packed them again: of those that go on from the same place the one that reaches farthest is read.
 */
export function chainOf(segments: readonly SegmentName[], deletedTo: Position): SegmentName[] {
  const chain: SegmentName[] = [];
  let reached = deletedTo;
  let farthest: SegmentName | undefined;
  for (const segment of [...segments].sort((a, b) => a.first - b.first || b.last - a.last)) {
    if (segment.last <= reached) continue;
    // The next one begins behind what is needed next: what reaches farthest so far is needed, and then perhaps this one.
    if (farthest && segment.first > reached + 1) {
      chain.push(farthest);
      reached = farthest.last;
      farthest = undefined;
      if (segment.last <= reached) continue;
    }
    if (!farthest || segment.last > farthest.last) farthest = segment;
  }
  if (farthest) chain.push(farthest);
  return chain;
}

/** The segment that a position is in. */
export function segmentAt(chain: readonly SegmentName[], position: Position): SegmentName | undefined {
  let low = 0;
  let high = chain.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chain[middle] as SegmentName).last < position) low = middle + 1; // within bounds
    else high = middle;
  }
  const found = chain[low];
  return found && found.first <= position ? found : undefined;
}

/** How far the commits after a position go without a gap. */
export function reachOf(chain: readonly SegmentName[], after: Position): Position {
  let reached = after;
  for (const { first, last } of chain) {
    if (first > reached + 1) break;
    reached = Math.max(reached, last);
  }
  return reached;
}
