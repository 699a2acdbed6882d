/** What a worker is told, one line each. With `killAt`, it kills itself at that step of what it does. */
export type Order = { readonly killAt?: number } & (
  | { readonly type: 'deliver'; readonly listener: string; readonly id: string; readonly copies?: number }
  | { readonly type: 'relay' }
  | { readonly type: 'end' }
);

/** What a worker says, one line each. */
export type Report =
  | { readonly type: 'ready' }
  /** How its copies of a delivery ended; only now are they acknowledged. */
  | { readonly type: 'settled'; readonly kinds: readonly string[] }
  | { readonly type: 'published'; readonly id: string }
  | { readonly type: 'relayed'; readonly taken: number };
