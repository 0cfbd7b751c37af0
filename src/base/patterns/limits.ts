/** Bounds of the pattern language, each with its unit and its reason. */

/** Characters of a pattern as JSON: four times what EventBridge takes, and small enough to keep thousands in memory. */
export const PATTERN_CHARACTERS_MAX = 16_384;
/** Objects within objects: as deep as any body may nest. */
export const PATTERN_DEPTH_MAX = 64;
/** Stars of one wildcard. Matching costs no more with many; EventBridge refuses six as too complex, and patterns should be portable. */
export const WILDCARD_STARS_MAX = 5;
/** Faults told of one pattern: more are no help. */
export const PATTERN_FAULTS_MAX = 20;
