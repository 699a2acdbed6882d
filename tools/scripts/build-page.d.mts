/** Types of build-page.mjs. */

/** Builds the page of the console where a source is newer than what was built. Answers whether it built. */
export declare function buildPage(): Promise<boolean>;
