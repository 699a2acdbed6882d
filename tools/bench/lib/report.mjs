import { CASES, METRICS } from './cases.mjs';

const show = (value, metric) => `${value.toFixed(METRICS[metric].digits)} ${METRICS[metric].unit}`;
const showRatio = ({ median, min, max }) => `${median.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;

/** The summary as text for a terminal: for each metric the ratio to amqplib by hand with its range, and the value. */
export function table(summary) {
  const lines = [];
  for (const [name, subjects] of Object.entries(summary)) {
    const { title, metrics } = CASES[name];
    lines.push('', `${name}: ${title}`);
    lines.push(
      `  ${'x amqplib by hand'.padEnd(27)}${metrics.map((metric) => METRICS[metric].title.padEnd(34)).join('')}`,
    );
    for (const [subject, values] of Object.entries(subjects)) {
      const cells = metrics.map((metric) => cell(values, metric).padEnd(34));
      lines.push(`  ${subject.padEnd(27)}${values.error === undefined ? cells.join('') : `failed: ${values.error}`}`);
    }
  }
  return lines.join('\n');
}

function cell(values, metric) {
  const { median, ratio } = values[metric] ?? {};
  if (median === undefined || Number.isNaN(median)) return '-';
  return ratio === undefined ? show(median, metric) : `${showRatio(ratio).padEnd(18)} ${show(median, metric)}`;
}

/** Goals beside what was reached, as `goalsOf` has them. */
export function goalsTable(rows) {
  const lines = rows.map((row) => {
    const { name, metric, control = 'amqplib', limit, value, ratio, why } = row;
    const what = `${name}: ${METRICS[metric].title}${control === 'amqplib' ? '' : ` of ${control}`}`;
    const goal =
      limit === undefined ? `${row.moreIsBetter ? '>=' : '<='} ${row.goal.toFixed(2)} x` : `<= ${show(limit, metric)}`;
    const figure = ratio === undefined ? value : ratio;
    if (figure === undefined) return `  ${what.padEnd(48)} goal ${goal.padEnd(12)} ${why}`;
    const reached = ratio === undefined ? show(value, metric) : showRatio(ratio);
    return `  ${what.padEnd(48)} goal ${goal.padEnd(12)} reached ${reached.padEnd(20)} ${row.isReached ? 'yes' : 'NO'}`;
  });
  return ['', 'goals', ...lines].join('\n');
}

/** The summary as Markdown: a row for each case, a column for each subject, ratios to amqplib by hand. */
export function markdown(summary, metric) {
  const names = [...new Set(Object.values(summary).flatMap((subjects) => Object.keys(subjects)))].filter(
    (name) => name !== 'amqplib' && !name.startsWith('amqplib,'),
  );
  const rows = Object.entries(summary)
    .filter(([name]) => CASES[name].metrics.includes(metric))
    .map(([name, subjects]) => {
      const control = subjects.amqplib?.[metric]?.median;
      const cells = names.map((each) => subjects[each]?.[metric]?.ratio?.median.toFixed(2) ?? '-');
      return `| ${CASES[name].title} | ${control === undefined ? '-' : show(control, metric)} | ${cells.join(' | ')} |`;
    });
  return [`| | amqplib by hand | ${names.join(' | ')} |`, `|---|---|${names.map(() => '---|').join('')}`, ...rows].join(
    '\n',
  );
}
