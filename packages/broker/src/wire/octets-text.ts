/** Only the first of many bytes: a reply text is short. */
const MOST = 128;

/** Bytes as Erlang's `~w` prints them, such as `<<104,105>>`. */
export function octets(bytes: Buffer, start: number, end: number): string {
  return `<<${bytes.subarray(start, Math.min(end, start + MOST)).join(',')}>>`;
}

/** Bytes as Erlang's `~p` prints them: readable ones as text, such as `<<"hi">>`. */
export function printedOctets(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, Math.min(end, start + MOST));
  if (!/^[\x20-\x7e]+$/.test(text)) return octets(bytes, start, end);
  return `<<"${text.replace(/["\\]/g, '\\$&')}">>`;
}
