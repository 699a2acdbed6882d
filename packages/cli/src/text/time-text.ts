/** Such as `2026-11-27 10:00:00Z`; `undefined` stays. */
export function timeText(at: number | undefined): string | undefined {
  return at === undefined
    ? undefined
    : new Date(at)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z');
}
