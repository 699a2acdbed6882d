import type { ComponentChildren } from 'preact';

/** A column: what stands over it, and what of a row stands in it. */
export interface Column<Row> {
  readonly head: ComponentChildren;
  /** Beside the value, where the table is drawn as cards. Left out: the value alone. */
  readonly label?: string;
  cell(row: Row): ComponentChildren;
  readonly kind?: 'number' | 'wide' | 'acts' | 'check' | 'main' | 'picture';
}

interface TableProps<Row> {
  /** For those who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
}

/** A table; on a narrow screen a card for each row. Roles are said, for browsers forget them where a table is drawn as something else. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <table role="table">
      <caption class="for-readers">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ head, kind }, index) => (
            <th key={index} role="columnheader" scope="col" class={kind}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ cell, kind, label }, index) => (
              <td key={index} role="cell" class={kind} data-label={label}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
