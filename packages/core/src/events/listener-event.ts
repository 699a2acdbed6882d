/** What happened to a listener as a whole. */
export type ListenerEvent = { readonly listenerId: string; readonly queue: string } & (
  | { readonly type: 'listener-started' }
  | { readonly type: 'listener-stopped'; readonly abandoned: number }
  /** One of its consumers began to consume, first or again. */
  | { readonly type: 'consuming'; readonly consumerTag: string; readonly again: boolean }
  /** One of its consumers lost its channel or was cancelled; the transport is bringing it back. */
  | { readonly type: 'interrupted'; readonly cause: string; readonly error: Error | undefined }
  /**
   * What it had fetched in advance waited so long for its turn that the broker takes it back after `timeoutMs`. It is given
   * back, and one delivery at a time is taken from now on.
   */
  | { readonly type: 'intake-reduced'; readonly timeoutMs: number }
  /**
   * It takes nothing more: a person asked for it, or its kill switch did. `forMs`: it goes on by itself, or tries one message,
   * after this long.
   */
  | {
      readonly type: 'listener-paused';
      readonly by: 'person' | 'kill-switch';
      readonly reason: string;
      readonly forMs: number | undefined;
    }
  /** Its kill switch has tried one message; when that failed, another is tried after `killSwitch.pause`. */
  | { readonly type: 'listener-probed'; readonly succeeded: boolean }
  /** It takes deliveries again. */
  | { readonly type: 'listener-resumed'; readonly by: 'person' | 'kill-switch' | 'time'; readonly pausedForMs: number }
  /** One of its consumers cannot come back. */
  | { readonly type: 'listener-failed'; readonly error: Error }
);
