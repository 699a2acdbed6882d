import type { Node } from './syntax.js';

/** An import, and what its names are. */
export interface Imported {
  readonly declarations: readonly Node[];
  /** By the name in the file: the name that was exported. */
  readonly names: ReadonlyMap<string, string>;
}
