/** Bounds of the runtime, each with its unit and its reason. */

/** Commands that were taken and not answered: at 50,000 a second two fifths of a second, past which a caller is better told to come back. */
export const WAITING_MAX = 20_000;
/** A store that does not answer is asked again after this long, and after longer each time up to the maximum. */
export const STORE_RETRY_MS = 50;
export const STORE_RETRY_MAX_MS = 1_000;
/** How often a starting engine asks for one thing: past two seconds whoever starts it is better told, and tries again with a new one. */
export const START_ATTEMPTS_MAX = 10;
/** How long closing waits for a store that does not answer: within the ten seconds that supervisors give a process. */
export const CLOSE_PATIENCE_MS = 8_000;
/** How often one command is decided again after losing a race before its caller is told. */
export const CONFLICT_ATTEMPTS_MAX = 20;
/** Answers are remembered this long, so that a repeated command has one effect: the promise is 24 h, one more for slow clocks. */
export const ANSWER_RETENTION_MS = 25 * 3_600_000;
/**
 * Saved states kept in memory before those that are unused make room, some 40 MB. More is not better: the collector
 * looks at every one of them, half a microsecond each, while shoppers wait; one that is missing costs 10 µs.
 */
export const RESIDENT_STATES_MAX = 50_000;
/**
 * States that were changed and are not known to be saved yet, beyond which commands wait until some are: 130 MB, and
 * some five to ten seconds of changes, each to another item.
 */
export const UNSAVED_STATES_MAX = 150_000;
/** Wake-ups leave the rest of that to commands, and the collector little to look at; the projector has two steps' work. */
export const UNSAVED_FOR_WAKES = 30_000;
/** How long commands wait for that before they are told to come back: a saving takes a second. */
export const CROWDED_PATIENCE_MS = 10_000;
/** How often those who save are asked to hurry: more often than they forget it. */
export const CROWDED_HURRY_MS = 200;
/** By how much the saved states in memory may be more than their maximum where they are only asked for. */
export const STATES_OVER = 1.1;
/** States brought into memory at a time, some milliseconds of reading them: whoever asks for thousands does not hold up who asks for one. */
export const LOADED_TOGETHER = 500;
/** States looked at for eviction in one go: about a millisecond; and where there are far too many, some milliseconds. */
export const EVICTION_STEP = 5_000;
export const EVICTION_STEP_MAX = 50_000;
/**
 * Facts of one log that a start takes in at once, a second's work and some 100 MB; where more follow the saved states it
 * waits until the projector has saved some. More than the projector ever lets itself fall behind.
 */
export const TAIL_FACTS_MAX = 250_000;
export const TAIL_WAIT_MS = 100;
/** Wake-ups decided together: as many as take this long, within these bounds, so that a million holds running out hold nobody up. */
export const WAKES_STEP_MS = 10;
export const WAKES_PER_STEP_MIN = 25;
export const WAKES_PER_STEP = 500;
/** Wake-ups that are in memory at a time, about 5 MB: more are found among the saved states when these are done. */
export const WAKES_HELD_MAX = 50_000;
/** Wake-ups found in one question: it takes the reader some milliseconds. */
export const WAKES_PER_PAGE = 5_000;
/** Wake-ups are loaded this far ahead, and looked for this often. */
export const WAKE_WINDOW_MS = 120_000;
export const WAKE_RELOAD_MS = 60_000;
/** The earliest a wake-up follows another, so that timers batch. */
export const WAKE_INTERVAL_MS = 50;
/** A wake-up that could not be decided is tried again after this long: the fact is to follow its instant within 5 s. */
export const WAKE_RETRY_MS = 1_000;
/** Facts folded into the views in one step: a quarter of a second's work, which is what a reader who is in a hurry waits for. */
export const PROJECTION_EVENTS_PER_STEP = 20_000;
/**
 * And where nobody waits for the views, because they are made again and no server runs: what changes again soon is
 * written less often, which makes a fact a fifth cheaper.
 */
export const REBUILD_EVENTS_PER_STEP = 60_000;
/** States the projector keeps between steps: those of a step or two. One that it lacks is a look-up; one kept long and then let go costs a collection. */
export const PROJECTION_STATES_MAX = 20_000;
/** Messages claimed from a queue at a time: handed out, decided and recorded in some milliseconds, between two commits of shoppers. */
export const CLAIM_MAX = 128;
/** A claim that was not settled by then is handed out again: after a crash adjustments of the items in it wait this long. Twice is once. */
export const CLAIM_LEASE_MS = 5_000;
/** Attempts at a message that is itself at fault before it is set aside, and the back-off between attempts. */
export const MESSAGE_ATTEMPTS_MAX = 8;
export const RETRY_BASE_MS = 100;
export const RETRY_MAX_MS = 30_000;
/** Messages done are remembered as long as answers. */
export const DONE_RETENTION_MS = 25 * 3_600_000;
/** Commands decided before an idle engine begins to append: the rest of a long queue is decided meanwhile. */
export const FLUSH_AT = 512;
/** Commits within this time share one mark of the clock that lag is told from: a tenth of what is worth knowing. */
export const LAG_MARK_MS = 50;
/** Marks kept before each two become one: the newest 25 seconds or more are known to within 100 ms. */
export const LAG_MARKS_MAX = 1_024;
/** Facts that a consumer hears in one turn of the event loop: as many as take this long, within these bounds, between two commits of shoppers. */
export const HEARD_TURN_MS = 2;
export const HEARD_PER_TURN_MIN = 100;
export const HEARD_PER_TURN = 2_000;
/** Facts that wait in memory to be heard: past it they are read from the log again, which has them anyway. */
export const UNHEARD_MAX = 50_000;
/** A consumer saves its checkpoint this long after something new, or as soon as so many facts are not saved: what a crash makes it hear again. */
export const CONSUMER_SAVE_MS = 1_000;
export const CONSUMER_UNSAVED_MAX = 20_000;
/** Where several processes share a store one of them runs a consumer: how long it may be silent before another takes over. */
export const CONSUMER_LEASE_MS = 3_000;
export const CONSUMER_RENEW_MS = 1_000;
/** A consumer whose store did not do as asked begins again after this long. */
export const CONSUMER_RETRY_MS = 500;
/** Between looks at what a consumer has saved in another process. */
export const CONSUMER_LOOK_MS = 50;
