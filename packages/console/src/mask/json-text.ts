/** One token of a JSON text: where it begins and ends. */
interface Token {
  /** `{`, `}`, `[`, `]`, `,`, `:`, or `"` for a text, `0` for any other scalar. */
  readonly kind: string;
  readonly from: number;
  readonly to: number;
}

/** How a JSON text is laid out anew. `as-is` keeps blanks. */
export type JsonLayout = 'pretty' | 'compact' | 'as-is';

export interface JsonRewrite {
  readonly text: string;
  /** The text would have been longer than `maxChars`: its end is missing. */
  readonly isCut: boolean;
}

/** What stands in the place of a value; `undefined`: the value itself. */
export type Replace = (place: readonly string[], raw: () => string) => string | undefined;

/** Deeper ones count as unreadable: nobody writes them but to do harm. */
const MAX_DEPTH = 100;

/**
 * Lays a JSON text out anew, and puts other text in the place of some of its values. It never goes through numbers and objects:
 * digits, duplicate names and their order stay as they are written. Answers `undefined` for what is no JSON, or deeper than 100.
 * @param replace called with the place of each value and how it is written; what it answers stands there instead
 */
export function rewriteJson(
  text: string,
  layout: JsonLayout,
  maxChars: number,
  replace?: Replace,
): JsonRewrite | undefined {
  if (!isJson(text)) return undefined;
  const tokens = tokensOf(text);
  return tokens === undefined ? undefined : new Rewriter(text, layout, maxChars, replace).run(tokens);
}

/** The scalars of a JSON text, as their values are written, texts without quotes. */
export function scalarsOf(json: string): readonly string[] {
  const tokens = tokensOf(json) ?? [];
  return tokens.flatMap(({ kind, from, to }, index) => {
    if (kind === '0') return [json.slice(from, to)];
    if (kind !== '"' || tokens[index + 1]?.kind === ':') return [];
    return [String(JSON.parse(json.slice(from, to)))];
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Of a text that is known to be JSON; `undefined` when it is too deep. */
function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const first = text[at] as string;
    if (BLANKS.has(first)) {
      at++;
      continue;
    }
    const token = tokenAt(text, at, first);
    if (first === '{' || first === '[') depth++;
    if (first === '}' || first === ']') depth--;
    if (depth > MAX_DEPTH) return undefined;
    tokens.push(token);
    at = token.to;
  }
  return tokens;
}

function tokenAt(text: string, from: number, first: string): Token {
  if (SIGNS.has(first)) return { kind: first, from, to: from + 1 };
  if (first === '"') return { kind: first, from, to: endOfText(text, from + 1) };
  let to = from + 1;
  while (to < text.length && !SIGNS.has(text[to] as string) && !BLANKS.has(text[to] as string)) to++;
  return { kind: '0', from, to };
}

const BLANKS = new Set([' ', '\n', '\r', '\t']);
const SIGNS = new Set(['{', '}', '[', ']', ',', ':']);

function endOfText(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

interface Frame {
  readonly kind: '{' | '[';
  /** Name or index of the value that is being written. */
  key: string;
  count: number;
}

class Rewriter {
  readonly #text: string;
  readonly #layout: JsonLayout;
  readonly #maxChars: number;
  readonly #replace: Replace | undefined;
  readonly #frames: Frame[] = [];
  readonly #parts: string[] = [];
  #length = 0;
  /** End of what was taken of the text. */
  #taken = 0;

  constructor(text: string, layout: JsonLayout, maxChars: number, replace: Replace | undefined) {
    this.#text = text;
    this.#layout = layout;
    this.#maxChars = maxChars;
    this.#replace = replace;
  }

  run(tokens: readonly Token[]): JsonRewrite {
    for (let index = 0; index < tokens.length && this.#length <= this.#maxChars; index++) {
      index = this.#next(tokens, index);
    }
    if (this.#layout === 'as-is') this.#put(this.#text.slice(this.#taken));
    const text = this.#parts.join('');
    const isCut = text.length > this.#maxChars;
    return { text: isCut ? text.slice(0, this.#maxChars) : text, isCut };
  }

  /** Writes a token, or a whole value; answers the index of the last token that was taken. */
  #next(tokens: readonly Token[], index: number): number {
    const token = tokens[index] as Token;
    const frame = this.#frames.at(-1);
    switch (token.kind) {
      case ':':
        this.#write(token, '', this.#layout === 'pretty' ? ' ' : '');
        return index;
      case ',':
        if (frame !== undefined) frame.count++;
        this.#write(token, '');
        return index;
      case '}':
      case ']':
        this.#close(token, tokens[index - 1]);
        return index;
      default:
    }
    if (frame?.kind !== '{' || tokens[index + 1]?.kind !== ':') return this.#value(tokens, index, frame);
    frame.key = String(JSON.parse(this.#text.slice(token.from, token.to)));
    this.#write(token, this.#newLine());
    return index;
  }

  /** Writes a value, or what stands for it; answers the index of its last token that was taken. */
  #value(tokens: readonly Token[], index: number, frame: Frame | undefined): number {
    const token = tokens[index] as Token;
    if (frame?.kind === '[') {
      frame.key = String(frame.count);
      this.#gap(token.from, this.#newLine());
    }
    if (this.#replace !== undefined) {
      const place = this.#frames.map(({ key }) => key);
      const last = () => lastOf(tokens, index);
      const instead = this.#replace(place, () => this.#text.slice(token.from, tokens[last()]?.to));
      if (instead !== undefined) {
        const end = last();
        this.#write({ kind: '0', from: token.from, to: (tokens[end] as Token).to }, '', '', instead);
        return end;
      }
    }
    this.#write(token, '');
    if (token.kind === '{' || token.kind === '[') this.#frames.push({ kind: token.kind, key: '', count: 0 });
    return index;
  }

  #close(token: Token, before: Token | undefined): void {
    this.#frames.pop();
    const isEmpty = before?.to !== undefined && (before.kind === '{' || before.kind === '[');
    this.#write(token, isEmpty ? '' : this.#newLine());
  }

  #newLine(): string {
    return this.#layout === 'pretty' ? `\n${'  '.repeat(this.#frames.length)}` : '';
  }

  /** What stands before a token: of the text, or of the layout. */
  #gap(from: number, gap: string): void {
    this.#put(this.#layout === 'as-is' ? this.#text.slice(this.#taken, from) : gap);
    this.#taken = from;
  }

  #write({ from, to }: Token, before: string, after = '', instead?: string): void {
    this.#gap(from, before);
    this.#put(instead ?? this.#text.slice(from, to));
    this.#taken = to;
    this.#put(after);
  }

  #put(part: string): void {
    if (part === '') return;
    this.#parts.push(part);
    this.#length += part.length;
  }
}

function lastOf(tokens: readonly Token[], first: number): number {
  let depth = 0;
  for (let index = first; index < tokens.length; index++) {
    const { kind } = tokens[index] as Token;
    if (kind === '{' || kind === '[') depth++;
    if (kind === '}' || kind === ']') depth--;
    if (depth === 0) return index;
  }
  return tokens.length - 1;
}
