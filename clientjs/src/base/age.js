/**
 * Whether the build is for old browsers, too. The small script's build sets it to false, and leaves out
 * what only they need.
 */
export const isForOldBrowsers = true;
