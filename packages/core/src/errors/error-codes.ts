/**
 * Every code that a {@link LeveretError} can carry, with one sentence on what happened.
 * `docs/errors.md` explains each at length; a check of the test command holds the two equal.
 */
export const ERROR_CODES = {
  LEV_CONFIGURATION: 'One or more declarations or options are wrong; nothing was started.',
  LEV_INVALID_STATE: 'The call does not fit the state of the object, such as using an application that is closed.',
  LEV_MESSAGE_UNREADABLE: 'The body of a message could not be decoded or converted to the declared type.',
  LEV_MESSAGE_INVALID: 'The payload was read, but breaks rules of its class or schema.',
  LEV_VALIDATION_TIMEOUT: 'A rule of a payload did not answer in time; whether the payload is valid is not known.',
  LEV_HEADER_MISSING: 'A header that a handler requires is not on the message.',
  LEV_NO_HANDLER: 'No handler of the listener takes messages of this type.',
  LEV_HANDLER_TIMEOUT: 'A handler ran past the timeout of its listener.',
  LEV_ATTEMPT_OVER: 'A handler or interceptor went on behind the result of its attempt; what it asked for was refused.',
  LEV_REJECT_MESSAGE: 'A handler asked for the delivery to be rejected without a retry.',
  LEV_REQUEUE_MESSAGE: 'A handler asked for the delivery to be put back on its queue.',
  LEV_ACKNOWLEDGE_MESSAGE: 'A handler asked for the delivery to be acknowledged although it failed.',
  LEV_RETRY_AFTER: 'A handler asked for the message to come back after a while.',
  LEV_ALREADY_SETTLED: 'A delivery was settled a second time, differently.',
  LEV_NEXT_CALLED_TWICE: 'An interceptor called next() more than once for one attempt.',
  LEV_CRASH_LOOP: 'The process ended again and again while a message was handled; it is not handled again.',
  LEV_RECOVERER_FAILED: 'The recoverer of a listener failed; the delivery is requeued after a pause.',
  LEV_REDELIVERY_FAILED:
    'A message could not be sent to where it waits for its redelivery; it is requeued after a pause.',
  LEV_DELIVERY_UNDECIDED: 'What becomes of a delivery could not be decided; it is requeued after a pause.',
  LEV_CONNECTION_FAILED: 'No host of the connection could be reached within the time allowed.',
  LEV_AUTHENTICATION_REFUSED: 'The broker refused the user name, the password or the virtual host.',
  LEV_CHANNEL_CLOSED: 'The broker closed a channel and said why.',
  LEV_TOPOLOGY_MISMATCH: 'A queue or exchange exists with other properties than the ones declared.',
  LEV_TOPOLOGY_REFUSED: 'The broker refused to declare or bind something.',
  LEV_TOPOLOGY_UNAVAILABLE:
    'The broker cannot give a queue or exchange now: its node is down, or there is no majority.',
  LEV_QUEUE_MISSING: 'A listener consumes from a queue that does not exist and that nobody declares.',
  LEV_MANAGEMENT_API: 'The management HTTP API could not be reached or refused a request.',
  LEV_PUBLISH_NACKED: 'The broker answered a publish with a nack: it does not have the message in every queue.',
  LEV_PUBLISH_UNROUTABLE: 'The broker returned a message because no queue is bound for its routing key.',
  LEV_PUBLISH_EXCHANGE_MISSING: 'A message was published to an exchange that does not exist.',
  LEV_PUBLISH_REFUSED: 'The broker closed the channel or the connection because of this one publish.',
  LEV_PUBLISH_UNENCODABLE:
    'A message cannot be written as AMQP, such as headers that no frame holds; nothing was sent.',
  LEV_PUBLISH_CONFIRM_TIMEOUT: 'The broker neither confirmed nor refused a publish in time; its fate is unknown.',
  LEV_PUBLISH_CHANNEL_LOST:
    'The channel or connection went away before the confirm; the fate of the message is unknown.',
  LEV_PUBLISH_NOT_CONNECTED: 'There was no connection to publish on within the time allowed; nothing was sent.',
  LEV_PUBLISH_BLOCKED: 'The broker blocks publishing because of a resource alarm; nothing was sent.',
  LEV_PUBLISH_BUFFER_FULL: 'More messages or bytes wait to be published than the buffer may hold; nothing was sent.',
  LEV_PUBLISHER_CLOSED: 'The publisher was closed before the message was confirmed.',
  LEV_REQUEST_TIMEOUT: 'No reply to a request came in time.',
  LEV_REPLY_NOT_ALLOWED: 'A request asks for its reply at an address that the listener does not allow.',
  LEV_REMOTE_FAILURE: 'The listener that was asked replied with an error.',
  LEV_IDEMPOTENCY_KEY_MISSING: 'A message that is to be handled once has no key to know it by.',
  LEV_IDEMPOTENCY_STORE: 'The idempotency store could not be asked, or did not answer in time.',
  LEV_CLAIM_LOST: 'The claim on a message ended while its handler ran; another may handle the message.',
  LEV_INBOX_TRANSACTION: 'The transaction of an inbox had ended, or could not go on, when its handler returned.',
  LEV_INBOX_COMMIT: 'The transaction of a handled message was not committed, or nobody knows whether it was.',
  LEV_DATABASE_BUSY: 'The connection to the database was taken by a transaction for longer than the time allowed.',
  LEV_OUTBOX_NOT_WRITTEN: 'A message was given to an outbox whose table did not take it.',
  LEV_OPERATION_REFUSED:
    'An operation on queues was not begun: it could not be carried out safely, or as it was asked for.',
  LEV_OPERATION_INTERRUPTED: 'An operation on queues ended in the middle; nothing is lost, and it can go on.',
  LEV_NOTHING_FOUND: 'What an operation was to work on is not there.',
  LEV_CONSOLE_NOT_LOGGED_IN: 'A request to the console came without a session, or with a wrong token.',
  LEV_CONSOLE_FORBIDDEN:
    'A request to the console came from a host, a page or a role that may not do what it asks for.',
  LEV_CONSOLE_REQUEST:
    'A request to the console is not what the console understands, too large, too late, or one too many.',
  LEV_MIGRATION: 'The tables of the inbox and the outbox could not be created, or differ from what is expected.',
} as const;

/** The code of a {@link LeveretError}: one of the keys of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
