import type { Transport } from '../transport/transport.js';
import { consumesStream } from './check-stream.js';
import type { ListenerDefinition } from './listener-definition.js';
import type { PauseState } from './pause-options.js';
import { atShutdown } from './prefetched-at-shutdown.js';

/**
 * What becomes of what a listener has in hand while it takes nothing more.
 *
 * - `give-back`: it goes back to the queue, for others.
 * - `keep`: it stays here, unsettled, and is handled when the listener goes on. What waits for so long that the broker would
 *   take it back is given back before that.
 * - `keep-place`: as `keep`, and the consumer stays with the broker.
 * - `hand-over`: it goes back in its old place, with the channel, as soon as nothing is at work.
 */
export type InHand = 'give-back' | 'keep' | 'keep-place' | 'hand-over';

/** Whether it stays here. */
export function keepsInHand(inHand: InHand | undefined): boolean {
  return inHand === 'keep' || inHand === 'keep-place';
}

/**
 * | listener | paused by a person | by its kill switch |
 * |---|---|---|
 * | of a stream | give back: it comes again from its place | give back |
 * | ordered | hand over: another takes its place | keep the place: who takes over meets the same outage, and order would suffer |
 * | in `none` mode | keep: the broker has forgotten it | keep |
 * | of a queue where giving back costs nothing | give back | give back |
 * | of a quorum queue before 4.3, or of one not declared here | keep: each one given back would cost it a delivery | keep |
 */
export function inHandAtPause(
  definition: ListenerDefinition,
  transport: Pick<Transport, 'broker'>,
  by: PauseState['by'],
): InHand {
  if (consumesStream(definition)) return 'give-back';
  if (definition.acknowledge === 'none') return 'keep';
  if (definition.ordered) return by === 'person' ? 'hand-over' : 'keep-place';
  return atShutdown(definition, transport) === 'give-back' ? 'give-back' : 'keep';
}
