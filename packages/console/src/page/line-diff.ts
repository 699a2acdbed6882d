/** A line of a diff. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  /** Its number before, from 1. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** A stretch of lines that is left out, or a line. */
export type DiffRow = DiffLine | { readonly kind: 'skipped'; readonly count: number };

// The table of a common subsequence has this many cells at most: beyond, the whole middle counts as changed.
const MAX_CELLS = 4_000_000;

/** Line by line, by the longest common subsequence: what was removed stands before what was added. */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const head = commonHead(a, b);
  const tail = commonTail(a, b, head);
  const middle = between(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const kinds: readonly DiffLine['kind'][] = [
    ...Array<'same'>(head).fill('same'),
    ...middle,
    ...Array<'same'>(tail).fill('same'),
  ];
  let [left, right] = [0, 0];
  return kinds.map((kind) => {
    const text = (kind === 'added' ? b[right] : a[left]) ?? '';
    if (kind !== 'added') left++;
    if (kind !== 'removed') right++;
    return { kind, text, before: kind === 'added' ? undefined : left, after: kind === 'removed' ? undefined : right };
  });
}

/** Leaves out what is the same, but for some lines around each change. */
export function foldDiff(lines: readonly DiffLine[], around = 3): readonly DiffRow[] {
  const near = new Set<number>();
  for (const [index, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    for (let at = index - around; at <= index + around; at++) near.add(at);
  }
  const rows: DiffRow[] = [];
  let skipped = 0;
  for (const [index, line] of lines.entries()) {
    if (!near.has(index)) {
      skipped++;
      continue;
    }
    if (skipped > 0) rows.push({ kind: 'skipped', count: skipped });
    skipped = 0;
    rows.push(line);
  }
  if (skipped > 0) rows.push({ kind: 'skipped', count: skipped });
  return rows;
}

function commonHead(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function commonTail(a: readonly string[], b: readonly string[], head: number): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) - head && a[a.length - 1 - length] === b[b.length - 1 - length])
    length++;
  return length;
}

function between(a: readonly string[], b: readonly string[]): readonly DiffLine['kind'][] {
  if (a.length * b.length > MAX_CELLS) return [...a.map(() => 'removed' as const), ...b.map(() => 'added' as const)];
  const width = b.length + 1;
  // Length of the longest common subsequence of what follows line i of a and line j of b.
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const kinds: DiffLine['kind'][] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      kinds.push('same');
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      kinds.push('removed');
      i++;
    } else {
      kinds.push('added');
      j++;
    }
  }
  return kinds;
}
