import type MagicString from 'magic-string';
import type { Imported } from './imported.js';
import type { Node } from './syntax.js';

/** A part of the source. */
export type Range = Pick<Node, 'start' | 'end'>;

/** What the parts of the transformation work on. */
export interface Work {
  readonly source: string;
  readonly edit: MagicString;
  readonly imported: Imported;
  /** Names that are needed now. */
  readonly needs: { readonly leveret: Set<string>; readonly nest: Set<string>; readonly alias: Set<string> };
  note(node: Node, text: string): void;
  /** Puts a text in the place of a node. */
  replace(range: Range, text: string): void;
}
