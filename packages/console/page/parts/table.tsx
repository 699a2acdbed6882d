import type { ComponentChildren } from 'preact';

/** A column: what stands over it, and what of a row stands in it. */
export interface Column<Row> {
  readonly head: ComponentChildren;
  /** Beside the value, where the table is drawn as cards. Left out: the value alone. */
  readonly label?: string;
  cell(row: Row): ComponentChildren;
  readonly kind?: 'number' | 'wide' | 'actions' | 'check' | 'main' | 'picture' | 'time';
}

interface TableProps<Row> {
  /** For those who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
}

/** A table; on a narrow screen a card for each row. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <table>
      <caption class="for-readers">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ head, kind }, index) => (
            <th key={index} scope="col" class={kind}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ cell, kind, label }, index) => (
              <td key={index} class={kind} data-label={label}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
