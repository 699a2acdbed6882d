export { type CodemodNote, type CodemodOptions, type CodemodResult, transform } from './transform.js';
