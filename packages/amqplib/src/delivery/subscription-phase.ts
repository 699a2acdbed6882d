import type { Link } from '../connection/link.js';
import type { ConsumerChannel } from './consumer-channel.js';

/** Where a subscription is in its life. */
export type Phase =
  | { readonly name: 'awaiting-connection' }
  /** `kept`: the channel of a consumer that the broker cancelled, or that was held. */
  | { readonly name: 'opening'; readonly link: Link; readonly kept: ConsumerChannel | undefined }
  | { readonly name: 'consuming'; readonly link: Link; readonly channel: ConsumerChannel; readonly since: number }
  /** The broker cancelled the consumer: did its queue go, or did the broker take back what was not settled in time? */
  | { readonly name: 'looking'; readonly link: Link; readonly channel: ConsumerChannel; readonly since: number }
  /** Takes nothing until it is resumed. */
  | {
      readonly name: 'held';
      readonly link: Link;
      readonly kept: ConsumerChannel | undefined;
      readonly cancelled: Promise<void>;
    }
  | { readonly name: 'pausing'; readonly cancel: () => void; readonly kept: ConsumerChannel | undefined }
  /** No new deliveries; the ones that came can be settled while the channel lasts. */
  | { readonly name: 'cancelled'; readonly channel: ConsumerChannel | undefined }
  | { readonly name: 'over' };

export type Opening = Extract<Phase, { name: 'opening' }>;
export type Looking = Extract<Phase, { name: 'looking' }>;
export type Held = Extract<Phase, { name: 'held' }>;
