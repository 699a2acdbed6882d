import { type ErrorGroup, groupErrors, type ParkedMessage } from '@leveret/operations';
import type { Look } from '../broker/looks.js';
import type { ErrorsJson, GroupJson, HistogramJson } from '../contract/contract.js';
import { MaskedMessage } from '../mask/masked-message.js';
import type { BodyMask } from '../mask/read-body.js';

const MOST_BARS = 48;
const LONGEST_TEXT = 2000;
/** Strangers choose fingerprints: more groups than this tell a person nothing. */
const MOST_GROUPS = 500;
/** What is older than so long before the newest counts to the first bar. */
const LONGEST_SPAN_MS = 30 * 86_400_000;
const STEPS_MS: readonly number[] = [1, 5, 10, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

/** What looks at queues came to, in groups. */
export function showErrors(looks: readonly Look[], mask: BodyMask): ErrorsJson {
  const messages = looks.flatMap((look) => look.messages);
  const scale = scaleOf(messages);
  const groups = groupErrors(messages);
  const bars = histograms(messages, scale);
  return {
    lookedAt: Math.min(...looks.map(({ lookedAt }) => lookedAt)),
    queues: looks.map(({ queue, looked, fault }) => ({
      name: queue,
      messages: looked?.messages ?? 0,
      complete: looked?.isComplete ?? false,
      otherConsumers: looked?.otherConsumers ?? 0,
      staged: looked?.staged ?? 0,
      fault,
    })),
    groups: groups.slice(0, MOST_GROUPS).map((group) => groupJson(group, bars.get(group.id) ?? NO_BARS, mask)),
    moreGroups: Math.max(0, groups.length - MOST_GROUPS),
  };
}

function groupJson(
  { sample, errorMessage, ...group }: ErrorGroup,
  histogram: HistogramJson,
  mask: BodyMask,
): GroupJson {
  const { scrub } = new MaskedMessage(sample, mask);
  const { id, count, firstSeen, lastSeen, source, reason, listeners, services, failedQueues, queues } = group;
  return {
    ...{ id, count, firstSeen, lastSeen, source, reason, listeners, services, failedQueues, queues },
    errorName: group.errorName && scrub(group.errorName),
    errorMessage: errorMessage && scrub(errorMessage).slice(0, LONGEST_TEXT),
    sampleKey: sample.key,
    sampleQueue: sample.queue,
    histogram,
  };
}

/** Where the bars of all histograms of one answer stand. */
export interface Scale {
  readonly from: number;
  readonly stepMs: number;
  readonly bars: number;
}

/** Decides where bars stand: round steps, and not more of them than a person can tell apart. */
export function scaleOf(messages: readonly Pick<ParkedMessage, 'failure'>[]): Scale | undefined {
  let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { failure } of messages) {
    const at = timeOf(failure);
    if (at === undefined) continue;
    oldest = Math.min(oldest, at);
    newest = Math.max(newest, at);
  }
  if (oldest > newest) return undefined;
  oldest = Math.max(oldest, newest - LONGEST_SPAN_MS);
  const stepMs = STEPS_MS.find((step) => (newest - oldest) / step < MOST_BARS - 1) ?? 86_400_000;
  const from = Math.floor(oldest / stepMs) * stepMs;
  return { from, stepMs, bars: Math.floor((newest - from) / stepMs) + 1 };
}

const NO_BARS: HistogramJson = { from: 0, stepMs: 1000, counts: [] };

/** The histogram of each group, in one pass over all messages. */
function histograms(
  messages: readonly Pick<ParkedMessage, 'failure'>[],
  scale: Scale | undefined,
): ReadonlyMap<string, HistogramJson> {
  const counts = new Map<string, number[]>();
  if (scale === undefined) return new Map();
  const { from, stepMs, bars } = scale;
  for (const { failure } of messages) {
    const of = counts.get(failure.fingerprint) ?? new Array<number>(bars).fill(0);
    counts.set(failure.fingerprint, of);
    const at = timeOf(failure);
    if (at === undefined) continue;
    const bar = Math.max(0, Math.floor((at - from) / stepMs));
    of[bar] = (of[bar] ?? 0) + 1;
  }
  return new Map([...counts].map(([id, of]) => [id, { from, stepMs, counts: of }]));
}

function timeOf({ lastFailedAt, firstFailedAt }: ParkedMessage['failure']): number | undefined {
  return lastFailedAt ?? firstFailedAt;
}
