import { CASES, METRICS } from './cases.mjs';
import { median } from './pairs.mjs';

const CONTROL = 'amqplib';

/**
 * What the measurements of each case come to: for each subject the median of every metric, and of its ratio to the control,
 * round by round, with the range.
 */
export function summarize(results) {
  const summary = {};
  for (const [name, bySubject] of Object.entries(results)) {
    const { metrics } = CASES[name];
    const subjects = {};
    for (const [subject, rounds] of Object.entries(bySubject)) {
      const fine = rounds.filter(({ error }) => error === undefined);
      if (fine.length === 0) {
        subjects[subject] = { error: rounds[0].error };
        continue;
      }
      subjects[subject] = Object.fromEntries(
        metrics.map((metric) => [metric, { median: median(fine.map((one) => one[metric])) }]),
      );
      for (const metric of metrics) {
        subjects[subject][metric].ratio = ratioOf(rounds, bySubject[CONTROL], metric);
        for (const control of Object.keys(CASES[name].controls ?? {})) {
          if (bySubject[control] === undefined) continue;
          subjects[subject][metric].ratioTo ??= {};
          subjects[subject][metric].ratioTo[control] = ratioOf(rounds, bySubject[control], metric);
        }
      }
    }
    summary[name] = subjects;
  }
  return summary;
}

/** The ratio of each pair of one round, before the median. */
function ratioOf(rounds, control, metric) {
  const each = rounds.flatMap((one, round) => {
    const ratio = one[metric] / control?.[round]?.[metric];
    return Number.isFinite(ratio) ? [ratio] : [];
  });
  if (each.length === 0) return undefined;
  return { median: median(each), min: Math.min(...each), max: Math.max(...each), rounds: each.length };
}

/** The goals of the cases that were run, with what was reached. */
export function goalsOf(summary) {
  const rows = [];
  for (const [name, subjects] of Object.entries(summary)) {
    const { leveret } = subjects;
    if (leveret === undefined || leveret.error !== undefined) continue;
    for (const [key, goal] of Object.entries(CASES[name].goals ?? {})) {
      const [metric, control] = key.split(' of ');
      const ratio = control === undefined ? leveret[metric].ratio : leveret[metric].ratioTo?.[control];
      if (ratio === undefined) continue;
      const { moreIsBetter } = METRICS[metric];
      const isReached = moreIsBetter ? ratio.median >= goal : ratio.median <= goal;
      rows.push({
        name,
        metric,
        control: control ?? CONTROL,
        goal,
        ratio,
        isReached,
        moreIsBetter: moreIsBetter === true,
      });
    }
    for (const [metric, limit] of Object.entries(CASES[name].limits ?? {})) {
      const value = leveret[metric].median;
      rows.push({ name, metric, limit, value, isReached: value <= limit });
    }
  }
  return rows;
}
