/**
 * Text of a stranger as it may stand in a log line or an error text: control characters (newlines, ESC, C1), format
 * characters (among them those that turn the direction of writing), line and paragraph separators and halves of a
 * surrogate pair are written as escapes, so that nobody can forge a line, colour a terminal or hide what stands there.
 * Other text is answered as it is.
 */
export function escapeText(text: string): string {
  return UNSEEN.test(text) ? text.replace(EVERY_UNSEEN, escaped) : text;
}

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;
const EVERY_UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return SHORT[character] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`);
}
