import { escapeText } from '@leveret/core';

/** Lines of columns, as wide as they must be. What strangers wrote cannot leave its column. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], maxWidth = 60): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cut(escapeText(cell), maxWidth)));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
