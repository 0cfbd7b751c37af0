/** Bounds of the archive, each with its unit and its reason. */

/** Text of commits that are compressed together: reading one commit unpacks this much, under a millisecond. */
export const BLOCK_CHARACTERS = 262_144;
/** Text of one segment, the fullest: some tens of thousands of facts in an object of a megabyte or two. */
export const SEGMENT_CHARACTERS_MAX = 16_777_216;
/** How hard zstd tries. Measured on made-up holds: level 9 takes an eighth less room than 3, level 15 a fifth less than 9 at a seventeenth of the speed. */
export const COMPRESSION_LEVEL = 9;
/** The end of an object that is fetched first: the index of a full segment is in it. */
export const TAIL_BYTES = 16_384;
/** Unpacked text kept at hand, so that pages and histories that lie together unpack it once. */
export const CACHED_CHARACTERS_MAX = 33_554_432;
/** Indexes kept at hand: a few kilobytes each. */
export const CACHED_INDEXES_MAX = 256;
/** Commits that are old enough wait this long for others to fill a segment, but no longer than they took to become old. */
export const FILLING_MS_MAX = 86_400_000;
/** How long a node may be silent in the middle of archiving before another may take over: packing a segment takes seconds. */
export const ARCHIVER_LEASE_MS = 60_000;
