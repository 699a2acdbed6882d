import type { LoginOptions } from '../wire/client.js';
import type { MethodName } from '../wire/codec.js';
import type { Plain } from '../wire/plain-fields.js';

/** A letter for the connection and a number for the channel: `a1`, `a2`, `b1`. Default `a1`. */
export type Place = string;

/** What every step may say. */
interface StepBase {
  readonly on?: Place;
  /** The next step follows at once, without waiting until the broker is done. */
  readonly unsettled?: true;
}

/** A method with its fields; those left out are empty, 0 or false. The channel is opened first where it is not. */
export interface MethodStep extends StepBase {
  readonly do: Exclude<MethodName, 'basic.publish'>;
  /** Sends it even on a channel that is not open. */
  readonly unopened?: true;
  readonly fields?: { readonly [field: string]: Plain };
}

/** basic.publish with its content. */
export interface PublishStep extends StepBase {
  readonly do: 'basic.publish';
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly mandatory?: boolean;
  readonly immediate?: boolean;
  readonly properties?: { readonly [property: string]: string | number | { readonly [header: string]: Plain } };
  /** Text, or a number of bytes. Default: `m` and the number of the step. */
  readonly body?: string | number;
}

/** Settles one of the deliveries that are open on the channel: `pick` counts from the oldest, beyond the last it wraps round. */
export interface SettleStep extends StepBase {
  readonly do: 'settle';
  readonly by: 'basic.ack' | 'basic.nack' | 'basic.reject';
  readonly pick: number;
  readonly multiple?: boolean;
  readonly requeue?: boolean;
}

/** Everything that is not a method. */
export type OtherStep = StepBase &
  (
    | { readonly do: 'connect'; readonly options: LoginOptions }
    | { readonly do: 'dial' }
    | { readonly do: 'login'; readonly options: LoginOptions }
    | { readonly do: 'tune and open'; readonly options: LoginOptions }
    | { readonly do: 'bytes'; readonly text: string }
    | { readonly do: 'frame'; readonly type: number; readonly octets: readonly number[]; readonly end?: number }
    | { readonly do: 'cut' }
    /** channel.close, if the channel is open. */
    | { readonly do: 'leave' }
    /** Time passes: pushed on in the embedded broker, waited for with a real one. */
    | { readonly do: 'wait'; readonly ms: number }
    /** Waits until this has come on the connection, or its socket is closed. */
    | { readonly do: 'until'; readonly name: MethodName | 'socket closed' | 'protocol header' }
    | { readonly do: 'burst'; readonly steps: readonly Step[] }
    | { readonly do: 'http'; readonly method: string; readonly path: string; readonly body?: Plain }
    | { readonly do: 'close connections'; readonly reason: string }
    | { readonly do: 'alarm'; readonly raised: boolean }
    | { readonly do: 'restart' }
  );

/** One thing a program does. Text may say `$queue1`, `$tag1` or `$reply1` for the first name of that kind the server made. */
export type Step = MethodStep | PublishStep | SettleStep | OtherStep;

/** Steps with a name. */
export interface Program {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Time to live for a program that waits: over before the next {@link TICK_MS} is, with room on either side. */
export const SHORT_MS = 1_300;
/** How far one `wait` goes. */
export const TICK_MS = 2_000;
/** How far a real clock may run ahead of the steps before what happened says nothing. */
export const DRIFT_MS = 450;

/** Whether time matters to the program. */
export function isTimed(program: Program): boolean {
  const text = JSON.stringify(program.steps);
  return text.includes('"wait"') || new RegExp(`\\b${SHORT_MS}\\b`).test(text);
}
