import fc from 'fast-check';

// That a bug is found is all that is asked here, not the shortest way to it; and the same bug is found again the same way.
fc.configureGlobal({ seed: 1, endOnFailure: true });
