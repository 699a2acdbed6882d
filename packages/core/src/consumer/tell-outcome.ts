import { errorText } from '../errors/error-text.js';
import { type Redact, redactUrls } from '../errors/redact.js';
import { type Logger, logSafely } from '../events/logger.js';
import type { Message, Publication } from '../message/message.js';
import { cutUtf8 } from '../recoverer/error-headers.js';
import type { ReplySender } from '../recoverer/recoverer.js';
import type { Delivery } from '../transport/transport.js';
import type { DeliveryNews } from './delivery-news.js';

/** Queue on which whoever sent a message back waits for what became of it. */
export const OUTCOME_TO = 'x-leveret-outcome-to';
/** A stranger can write the header, too: only queues that are made for this are told. */
const QUEUES = 'leveret.outcome.';
const RETRY_OF = 'x-leveret-retry-of';
const MAX_ERROR_BYTES = 1000;

/** Ends of a delivery after which this message does not come again by itself. */
const ENDS: ReadonlySet<DeliveryNews['type']> = new Set([
  'handled',
  'acknowledged',
  'duplicate',
  'recovered',
  'rejected',
  'dropped',
  'skipped',
] satisfies readonly DeliveryNews['type'][]);

/** What an {@link OutcomeTeller} stands on. */
export interface OutcomeTellerSetup {
  readonly listenerId: string;
  readonly sender: ReplySender;
  readonly logger: Logger;
  readonly redact?: Redact | undefined;
}

/**
 * Tells what became of messages that were sent back from an error queue and ask for it. Behind the settlement and beside
 * everything else: whether it arrives changes nothing for the message.
 */
export class OutcomeTeller {
  readonly #setup: OutcomeTellerSetup;

  constructor(setup: OutcomeTellerSetup) {
    this.#setup = setup;
  }

  tell({ message }: Delivery, news: DeliveryNews): void {
    const publication = outcomeOf(message, news, this.#setup);
    if (publication === undefined) return;
    const { sender, logger, listenerId } = this.#setup;
    sender.reply(publication).catch((err: unknown) => {
      const text = 'what became of a message that was sent back could not be told; whoever waits for it hears nothing';
      logSafely(logger, 'info', { listener: listenerId, messageId: message.messageId, err }, text);
    });
  }
}

/** What is told, or `undefined` when nobody asks, or when it is not over. */
export function outcomeOf(
  { headers, messageId }: Message,
  news: DeliveryNews,
  { listenerId, redact = redactUrls }: Pick<OutcomeTellerSetup, 'listenerId' | 'redact'>,
): Publication | undefined {
  const [queue, retryOf] = [headers[OUTCOME_TO], headers[RETRY_OF]];
  if (typeof queue !== 'string' || !queue.startsWith(QUEUES) || Buffer.byteLength(queue) > 255) return undefined;
  if (typeof retryOf !== 'string' || retryOf.length > 100 || !ENDS.has(news.type)) return undefined;
  const error = (news as { readonly error?: unknown }).error;
  return {
    exchange: '',
    routingKey: queue,
    body: Buffer.alloc(0),
    // Who waited may be gone.
    mandatory: false,
    properties: { deliveryMode: 1, correlationId: messageId === undefined ? undefined : cutUtf8(messageId, 255) },
    headers: {
      [RETRY_OF]: retryOf,
      'x-leveret-outcome': news.type,
      'x-leveret-listener': listenerId,
      ...(error === undefined ? {} : { 'x-leveret-error': cutUtf8(redact(errorText(error)), MAX_ERROR_BYTES) }),
    },
  };
}
