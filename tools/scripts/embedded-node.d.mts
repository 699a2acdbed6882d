/** Types of embedded-node.mjs. */
import type { BrokerVersion } from './brokers.mjs';

/** Starts an embedded broker with a management API, for a suite that wants one of its own. The caller removes it. */
export declare function startEmbeddedNode(options?: { readonly version?: BrokerVersion }): Promise<{
  readonly url: string;
  readonly managementUrl: string;
  remove(): Promise<void>;
}>;
