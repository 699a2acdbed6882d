/** How far an AMQP error reaches: one channel, or the whole connection with all its channels. */
export type ErrorScope = 'channel' | 'connection';

/** The names RabbitMQ puts in front of a reply text, by reply code. */
const REPLY_NAMES: ReadonlyMap<number, string> = new Map([
  [311, 'CONTENT_TOO_LARGE'],
  [312, 'NO_ROUTE'],
  [313, 'NO_CONSUMERS'],
  [320, 'CONNECTION_FORCED'],
  [402, 'INVALID_PATH'],
  [403, 'ACCESS_REFUSED'],
  [404, 'NOT_FOUND'],
  [405, 'RESOURCE_LOCKED'],
  [406, 'PRECONDITION_FAILED'],
  [501, 'FRAME_ERROR'],
  [502, 'SYNTAX_ERROR'],
  [503, 'COMMAND_INVALID'],
  [504, 'CHANNEL_ERROR'],
  [505, 'UNEXPECTED_FRAME'],
  [506, 'RESOURCE_ERROR'],
  [530, 'NOT_ALLOWED'],
  [540, 'NOT_IMPLEMENTED'],
  [541, 'INTERNAL_ERROR'],
]);

const REPLY_TEXT_LIMIT = 255;

/**
 * The client's mistake, as RabbitMQ words it. A channel error closes the channel, a connection error the connection.
 *
 * @see https://www.rabbitmq.com/docs/channels#error-handling
 */
export class AmqpError extends Error {
  /** What is closed. */
  readonly scope: ErrorScope;
  /** The reply code, such as 404. */
  readonly code: number;
  /** The reply text as sent, such as `NOT_FOUND - no queue 'q' in vhost '/'`; at most 255 bytes. */
  readonly replyText: string;

  constructor(scope: ErrorScope, code: number, text?: string) {
    const name = replyName(code);
    const full = text === undefined ? name : `${name} - ${text}`;
    super(full);
    this.name = 'AmqpError';
    this.scope = scope;
    this.code = code;
    this.replyText = full.length > REPLY_TEXT_LIMIT ? `${full.slice(0, REPLY_TEXT_LIMIT - 3)}...` : full;
  }
}

/** A mistake that closes the channel it was made on. */
export function channelError(code: number, text: string): AmqpError {
  return new AmqpError('channel', code, text);
}

/** A mistake that closes the whole connection. */
export function connectionError(code: number, text?: string): AmqpError {
  return new AmqpError('connection', code, text);
}

/** The default text of a reply code, such as `NO_ROUTE` for 312; the code itself when it has none. */
export function replyName(code: number): string {
  return REPLY_NAMES.get(code) ?? String(code);
}

/** 404 for a queue that is not there. */
export function noQueue(name: string, vhost: string): AmqpError {
  return channelError(404, `no queue '${name}' in vhost '${vhost}'`);
}

/** 404 for an exchange that is not there. */
export function noExchange(name: string, vhost: string): AmqpError {
  return channelError(404, `no exchange '${name}' in vhost '${vhost}'`);
}

/** 406 with RabbitMQ's wording for a refused argument; `reason` is printed as Erlang would. */
export function invalidArgument(name: string, resource: string, reason: string): AmqpError {
  return channelError(406, `invalid arg '${name}' for ${resource}: ${reason}`);
}
