import { readFileSync } from 'node:fs';
import { paint } from './trace.js';

/** A piece of the examples' source: a line that contains a text, down to the `}` below it that is indented alike. */
export interface Excerpt {
  /** From `examples`, such as `demo/src/listeners.ts`. */
  readonly file: string;
  readonly from: string;
  /** Nothing below that line. */
  readonly oneLine?: true;
}

/**
 * The lines, without the indentation that all of them have.
 * @throws {Error} when the source has no such piece (any more)
 */
export function linesOf({ file, from, oneLine }: Excerpt): readonly string[] {
  const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.includes(from));
  const indent = lines[first]?.search(/\S/) ?? 0;
  const end = `${' '.repeat(indent)}}`;
  const last = oneLine === true ? first : lines.findIndex((line, index) => index > first && line === end);
  if (first < 0 || last < 0) throw new Error(`expected ${JSON.stringify(from)} in ${file}`);
  return lines.slice(first, last + 1).map((line) => line.slice(indent));
}

/** Prints the code behind a scene, once: later scenes only say where it stood. */
export class CodeBehind {
  readonly #shown = new Map<Excerpt, number>();

  show(code: Excerpt, scene: number): void {
    const before = this.#shown.get(code);
    if (before !== undefined) {
      console.log(paint('dim', `  | the code of scene ${before}`));
      return;
    }
    this.#shown.set(code, scene);
    console.log(paint('dim', `  | examples/${code.file}`));
    for (const line of linesOf(code)) console.log(paint('dim', `  | ${line}`.trimEnd()));
  }
}
