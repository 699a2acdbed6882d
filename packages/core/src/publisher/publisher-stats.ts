/** Counts since the publisher was made, and what it holds now. */
export interface PublisherStats {
  /** Messages handed to the publisher. */
  published: number;
  /** Acked and not returned; with `confirms: 'none'`, written. */
  confirmed: number;
  /** Promises that rejected. */
  failed: number;
  nacked: number;
  returned: number;
  /** Further attempts, not counting innocent neighbours of a channel error. */
  retried: number;
  /** Messages published again because another one ended their channel. */
  republished: number;
  confirmTimeouts: number;
  /** Acks that came after the promise had rejected with a confirm timeout. */
  lateConfirms: number;
  /** Replies that came when nobody waited for them any more. */
  lateReplies: number;
  channelsOpened: number;
  /** Channels that the broker closed because of an error. */
  channelErrors: number;
}

export function zeroStats(): PublisherStats {
  return {
    published: 0,
    confirmed: 0,
    failed: 0,
    nacked: 0,
    returned: 0,
    retried: 0,
    republished: 0,
    confirmTimeouts: 0,
    lateConfirms: 0,
    lateReplies: 0,
    channelsOpened: 0,
    channelErrors: 0,
  };
}
