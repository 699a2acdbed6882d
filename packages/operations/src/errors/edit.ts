import { createHash } from 'node:crypto';
import type { MessageHeaders } from '@leveret/core';
import { ConfirmedWriter } from '../moving/confirmed-writer.js';
import { type MessageEdit, retryCopy } from '../moving/copies.js';
import type { HoldLimits } from '../moving/held-queue.js';
import { withHeld } from '../moving/with-held.js';
import { EDIT_OF, RETRY_OF } from '../parked/parked-headers.js';
import type { ParkedMessage } from '../parked/parked-message.js';
import type { RetryTarget, TargetChoice } from '../parked/retry-target.js';
import { selectErrors } from '../parked/select-errors.js';
import type { OperationsSession } from '../session/operations-session.js';
import { look } from './look.js';
import { nothingFound, planRetryOf, refused } from './retry.js';

/** Options of {@link edit}. */
export interface EditOptions extends TargetChoice {
  readonly queues: readonly string[];
  /** Key or message id; it must name one message. */
  readonly id: string;
  /** What is changed. The message id is made here. */
  readonly change: MessageEdit;
  readonly dryRun?: boolean | undefined;
  readonly limits?: HoldLimits | undefined;
}

/** What an edit came to. */
export interface EditReport {
  readonly message: ParkedMessage;
  /** Message id of the edited message. The same change of the same message has the same id, however often it is sent. */
  readonly messageId: string;
  readonly target: RetryTarget;
  readonly sent: boolean;
}

/**
 * Sends a parked message back with changes, as a message of its own: it has a new id, so that whoever remembers ids handles it,
 * and `x-leveret-edit-of` says what it was made of. The original is acknowledged once the edited one is confirmed.
 * @throws {LeveretError} LEV_NOTHING_FOUND, LEV_OPERATION_REFUSED, LEV_OPERATION_INTERRUPTED, or what publishing failed with
 */
export async function edit(session: OperationsSession, options: EditOptions): Promise<EditReport> {
  const { queues, id, change, dryRun = false, limits } = options;
  const chosen = selectErrors((await look(session, queues, limits)).messages, [id]);
  const [message] = chosen.messages;
  if (message === undefined) throw nothingFound([id], queues);
  if (chosen.messages.length > 1)
    throw refused([`${JSON.stringify(id)} names ${chosen.messages.length} messages; give the key of one`]);
  const { planned, faults } = await planRetryOf(session, [message], options);
  const target = planned[0]?.target;
  if (target === undefined || faults.length > 0) throw refused(faults);
  const messageId = editedId(message, change);
  if (dryRun) return { message, messageId, target, sent: false };
  const writer = new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  let sent = false;
  try {
    await withHeld(session, message.queue, limits, async ({ messages }) => {
      const inHand = messages.find(({ parked }) => parked.key === message.key);
      if (inHand === undefined) throw nothingFound([id], queues);
      await writer.send(editedCopy(inHand.parked, target, change, messageId));
      inHand.done();
      sent = true;
    });
  } finally {
    await writer.close();
  }
  return { message, messageId, target, sent };
}

function editedCopy({ key, message }: ParkedMessage, target: RetryTarget, change: MessageEdit, messageId: string) {
  const links: MessageHeaders = { [RETRY_OF]: key, [EDIT_OF]: message.messageId ?? key };
  return retryCopy(message, target, links, { ...change, properties: { ...change.properties, messageId } });
}

/** Of the message and the change: whoever is killed before the acknowledgement sends the same edit again, and the inbox drops it. */
export function editedId({ key, message }: ParkedMessage, { body, headers, properties }: MessageEdit): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([key, message.messageId, headers, properties]));
  hash.update(body ?? message.body);
  const digits = hash.digest('hex');
  const variant = ((Number.parseInt(digits[16] ?? '0', 16) & 3) | 8).toString(16);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
