/** How often what happened to the deliveries of a listener, since it was created. */
export interface ListenerCounts {
  received: number;
  handled: number;
  /** Failed attempts. */
  failed: number;
  /** Further attempts in this process, after a wait. */
  retried: number;
  /** Waits at the broker that began. */
  redeliveries: number;
  /** Messages that could not be sent to where they wait. */
  redeliveryFailed: number;
  invalid: number;
  recovered: number;
  recovererFailed: number;
  /** Acknowledged although they failed. */
  acknowledged: number;
  requeued: number;
  rejected: number;
  dropped: number;
  /** Rejected on a stream: passed over. */
  skipped: number;
  givenBack: number;
  /** Kept here unsettled because the listener was paused. */
  putOff: number;
  /** Ended the process again and again, and went to the quarantine. */
  crashLoops: number;
  /** Questions about that which no store answered. */
  crashLoopsUnknown: number;
  /** Had to wait for `maxRate`. */
  throttled: number;
  /** Handled before: acknowledged without calling the handler. */
  duplicates: number;
  /** Held because another was handling the message. */
  inProgress: number;
  /** Questions to the idempotency store that failed. */
  idempotencyFailed: number;
  /** Handled, although another had the claim by then: they may have taken effect twice. */
  claimsLost: number;
  /** Handled and acknowledged, although the idempotency store did not take that. */
  notRemembered: number;
  /** Settlements of manual mode that were refused because their attempt was over. */
  settledLate: number;
  /** Times that `retryable` threw. */
  retryableFailed: number;
  /** Requeued because nothing could be decided. */
  undecided: number;
  channelGone: number;
  /** Not settled within the broker's delivery acknowledgement timeout. */
  takenBack: number;
  abandoned: number;
  settleConflicts: number;
  leftUnsettled: number;
  replied: number;
  repliesDropped: number;
}

export function zeroCounts(): ListenerCounts {
  return {
    received: 0,
    handled: 0,
    failed: 0,
    retried: 0,
    redeliveries: 0,
    redeliveryFailed: 0,
    invalid: 0,
    recovered: 0,
    recovererFailed: 0,
    acknowledged: 0,
    requeued: 0,
    rejected: 0,
    dropped: 0,
    skipped: 0,
    givenBack: 0,
    putOff: 0,
    crashLoops: 0,
    crashLoopsUnknown: 0,
    throttled: 0,
    duplicates: 0,
    inProgress: 0,
    idempotencyFailed: 0,
    claimsLost: 0,
    notRemembered: 0,
    settledLate: 0,
    retryableFailed: 0,
    undecided: 0,
    channelGone: 0,
    takenBack: 0,
    abandoned: 0,
    settleConflicts: 0,
    leftUnsettled: 0,
    replied: 0,
    repliesDropped: 0,
  };
}
