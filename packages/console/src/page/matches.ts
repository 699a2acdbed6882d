/** Whether every word of a filter stands in one of the texts, whatever its case. */
export function matches(filter: string, texts: readonly (string | undefined)[]): boolean {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return true;
  const all = texts.join('\n').toLowerCase();
  return words.every((word) => all.includes(word));
}
