import type { BrokerVersion } from '@leveret/broker';
import type { Program } from '../program/program.js';

/** A named program of the suite. */
export interface Scenario extends Program {
  /** Only these release lines know what it is about. Default: all. */
  readonly versions?: readonly BrokerVersion[];
  /** It touches the whole node, so nothing else may run beside it. */
  readonly alone?: true;
  /** It takes seconds: left out of the short form. */
  readonly slow?: true;
}
