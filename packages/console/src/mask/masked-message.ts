import { MESSAGE_PROPERTIES } from '@leveret/core';
import type { ParkedMessage } from '@leveret/operations';
import type { JsonLayout } from './json-text.js';
import { maskTree } from './mask-tree.js';
import { type BodyMask, type ReadBody, readBody } from './read-body.js';
import { scrubber } from './scrub.js';

/** A message as it may be shown: nothing of it leaves the console but through here. */
export class MaskedMessage {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Takes masked values out of a text that may repeat them. */
  readonly scrub: (text: string) => string;
  readonly #body: Buffer;
  readonly #mask: BodyMask;

  constructor({ message }: Pick<ParkedMessage, 'message'>, mask: BodyMask) {
    this.#body = message.body;
    this.#mask = mask;
    const found = { secrets: [] as string[], masked: [] as string[] };
    const headers = maskTree(message.headers, [], mask.paths, found);
    const given = MESSAGE_PROPERTIES.flatMap((name) =>
      message[name] === undefined ? [] : [[name, message[name]] as const],
    );
    const properties = maskTree(Object.fromEntries(given), [], mask.paths, found);
    const ofBody = mask.paths.isEmpty ? [] : readBody(message.body, mask, 'compact', 0).secrets;
    this.scrub = scrubber([...found.secrets, ...ofBody]);
    this.headers = this.#scrubTree(headers) as Readonly<Record<string, unknown>>;
    this.properties = this.#scrubTree(properties) as Readonly<Record<string, unknown>>;
  }

  body(layout: JsonLayout, maxChars: number): ReadBody {
    const read = readBody(this.#body, this.#mask, layout, maxChars);
    return read.kind === 'json' || this.#mask.paths.isEmpty ? read : { ...read, text: this.scrub(read.text) };
  }

  /** One line. */
  preview(maxChars: number): string {
    const { text, kind } = this.body('compact', maxChars);
    return kind === 'binary' ? `${this.#body.length} bytes` : this.scrub(text).replaceAll(/\s+/g, ' ');
  }

  #scrubTree(value: unknown): unknown {
    if (this.#mask.paths.isEmpty) return value;
    if (typeof value === 'string') return this.scrub(value);
    if (typeof value === 'number')
      return this.scrub(String(value)) === String(value) ? value : this.scrub(String(value));
    if (Array.isArray(value)) return value.map((each) => this.#scrubTree(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#scrubTree(each)]));
  }
}
