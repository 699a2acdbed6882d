import { countText, numberText, rateText } from './count-text.js';

/** What a sentence about a retry needs to know of it. */
export interface JobFacts {
  readonly phase: string;
  readonly sent: number;
  readonly total: number;
  readonly left: number;
  readonly rateNow?: number | undefined;
  readonly stopped?: string | undefined;
  readonly canary?: CanaryFacts | undefined;
  readonly error?: { readonly message: string } | undefined;
}

interface CanaryFacts {
  readonly sent: number;
  readonly handled: number;
  readonly failed: number;
  readonly silent: number;
}

/** What a retry is doing, or how it ended and what that means for the messages it did not send. */
export function jobText(job: JobFacts): string {
  const { phase, sent, total, rateNow } = job;
  const progress = `${numberText(sent)} of ${countText(total, 'message')}`;
  switch (phase) {
    case 'looking':
      return 'Looking for the messages';
    case 'resuming':
      return `Going on with what was on its way: ${countText(sent, 'message')} sent`;
    case 'canary':
      return `Sending the canary: ${progress}`;
    case 'waiting':
      return `Waiting for what becomes of the canary: ${heard(job.canary)}`;
    case 'sending':
      return `Sending: ${progress}${rateNow === undefined ? '' : `, ${rateText(rateNow)} a second`}`;
    case 'done':
      return `All ${countText(sent, 'message')} sent`;
    case 'failed':
      return `Failed after ${countText(sent, 'message')}: ${job.error?.message ?? 'nobody said why'} ${leftText(job.left)}`;
    default:
      return `${whyStopped(job)} ${leftText(job.left)}`;
  }
}

function heard(canary: CanaryFacts | undefined): string {
  if (canary === undefined) return 'nothing was heard yet';
  return `${numberText(canary.handled + canary.failed)} of ${numberText(canary.sent)} heard of`;
}

function whyStopped({ stopped, sent, canary, error }: JobFacts): string {
  if (stopped === 'canary-failed' && canary !== undefined) {
    return `Stopped: ${numberText(canary.failed)} of ${countText(canary.sent, 'canary message')} failed again.`;
  }
  if (stopped === 'canary-silent' && canary !== undefined) {
    return `Stopped: nothing was heard of ${numberText(canary.silent)} of ${countText(canary.sent, 'canary message')}. Is their service running, and a service of leveret?`;
  }
  if (stopped === 'refused')
    return `Stopped: the broker refused a message after ${numberText(sent)}. ${error?.message ?? ''}`.trim();
  return `Stopped after ${countText(sent, 'message')}.`;
}

function leftText(left: number): string {
  if (left === 0) return 'Nothing is left.';
  return left === 1 ? 'The other one is untouched.' : `The other ${numberText(left)} are untouched.`;
}
