import { redactUrls } from '@leveret/core';
import type { OutboxCountsJson, OutboxJson, OutboxRowJson } from '../contract/contract.js';
import { MaskedMessage } from '../mask/masked-message.js';
import type { BodyMask } from '../mask/read-body.js';
import type { ConsoleOutbox, ConsoleOutboxRow } from './console-application.js';

const PAGE_ROWS = 100;
const PREVIEW_CHARS = 200;

/** How full an outbox is. */
export async function countOutbox(outbox: ConsoleOutbox): Promise<OutboxCountsJson> {
  const { pending, scheduled, parked, heldUp, oldestPendingMs } = await outbox.counts();
  return { waiting: pending, scheduled, parked, heldUp, oldestMs: Math.round(oldestPendingMs) };
}

/** Its counts, and a page of what its relay has parked. */
export async function showOutbox(outbox: ConsoleOutbox, afterId: number, mask: BodyMask): Promise<OutboxJson> {
  const [counts, rows] = await Promise.all([countOutbox(outbox), outbox.parked({ limit: PAGE_ROWS, afterId })]);
  const next = rows.at(-1)?.id;
  return { ...counts, rows: rows.map((row) => rowJson(row, mask)), next: rows.length < PAGE_ROWS ? undefined : next };
}

function rowJson(row: ConsoleOutboxRow, mask: BodyMask): OutboxRowJson {
  const { id, messageId, exchange, routingKey, orderKey, createdAt, parkedAt, error, publication } = row;
  const message = publication && { ...publication, exchange, routingKey, redelivered: false };
  const masked = message && new MaskedMessage({ message }, mask);
  return {
    ...{ id, messageId, exchange, routingKey, orderKey },
    createdAt: createdAt.getTime(),
    parkedAt: parkedAt.getTime(),
    error: redactUrls(masked?.scrub(error) ?? error),
    preview: masked?.preview(PREVIEW_CHARS) ?? 'This row cannot be read.',
  };
}
