import type { Link } from './link.js';

/** Where a managed connection is. */
export type ConnectionState =
  | { readonly name: 'idle' }
  /** `early`: before its time, because a host answered a knock. */
  | {
      readonly name: 'connecting';
      readonly abort: AbortController;
      readonly outcome: Promise<Link>;
      readonly early: boolean;
    }
  | { readonly name: 'connected'; readonly link: Link; readonly since: number }
  /** Nobody gets another try before the pause is over where the credentials were `refused`, or a broker is `spared`. */
  | {
      readonly name: 'waiting';
      readonly cancel: () => void;
      readonly refused: Error | undefined;
      readonly spared: boolean;
    }
  | { readonly name: 'failed'; readonly error: Error }
  | { readonly name: 'closed' };
