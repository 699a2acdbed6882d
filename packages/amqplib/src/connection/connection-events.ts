import type { Link } from './link.js';

/** Told what a managed connection goes through. No method may throw. */
export interface ManagedConnectionEvents {
  /**
   * Prepares a new connection (declares the topology) before anybody uses it. What it throws ends the start when
   * `starting`, and otherwise counts as a failed attempt.
   */
  prepare(link: Link, starting: boolean): Promise<void>;
  /** Whether the broker has accepted these credentials before, on this connection or another. */
  accepted(): boolean;
  secretNotRenewed(error: Error, retryInMs: number): void;
  connected(link: Link, again: boolean): void;
  disconnected(error: Error | undefined, link: Link): void;
  connectFailed(host: string, error: Error, retryInMs: number): void;
  /** No further attempt will be made. */
  failed(error: Error): void;
  blocked(reason: string): void;
  unblocked(): void;
}
