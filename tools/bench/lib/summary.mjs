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

/** The goals of some cases, with what was reached; `why` where there is no figure. */
export function goalsOf(summary, names = Object.keys(summary)) {
  return names.flatMap((name) => {
    const { leveret } = summary[name] ?? {};
    const why = leveret === undefined ? 'not measured' : leveret.error;
    const { goals = {}, limits = {} } = CASES[name];
    return [
      ...Object.entries(goals).map(([key, goal]) => {
        const [metric, control = CONTROL] = key.split(' of ');
        const { ratio: ofControl, ratioTo } = leveret?.[metric] ?? {};
        return ratioGoal({
          name,
          metric,
          control,
          goal,
          why,
          ratio: control === CONTROL ? ofControl : ratioTo?.[control],
        });
      }),
      ...Object.entries(limits).map(([metric, limit]) => {
        const value = leveret?.[metric]?.median;
        return { name, metric, limit, value, why, isReached: value <= limit };
      }),
    ];
  });
}

/** A goal for a ratio, and whether it is reached. */
export function ratioGoal({ ratio, why = 'its control was not measured', ...row }) {
  const { moreIsBetter = false } = METRICS[row.metric];
  if (ratio === undefined) return { ...row, moreIsBetter, why, isReached: false };
  const isReached = moreIsBetter ? ratio.median >= row.goal : ratio.median <= row.goal;
  return { ...row, moreIsBetter, ratio, isReached };
}
