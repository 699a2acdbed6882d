import { type ChannelEnd, LeveretError } from '@leveret/core';

/** What the broker said when it closed a channel or a connection. */
export interface BrokerReply {
  /** AMQP reply code, such as 404 or 406. */
  readonly code: number;
  /** Such as `NOT_FOUND - no exchange 'x' in vhost '/'`. */
  readonly text: string;
}

// amqplib renders close frames as: 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'x' in vhost '/'"
const CLOSE_FRAME = /(\d{3}) \([^)]*\) with message "([\s\S]*)"$/;

/** Code and text of the close frame that an error of amqplib stands for, or `undefined` when it stands for none. */
export function brokerReply(error: unknown): BrokerReply | undefined {
  if (!(error instanceof Error)) return undefined;
  const match = CLOSE_FRAME.exec(error.message);
  return match === null ? undefined : { code: Number(match[1]), text: match[2] as string };
}

/** The end of a channel that the broker closed, or that amqplib closed because of what it read. */
export function channelErrorEnd(error: Error): ChannelEnd {
  const reply = brokerReply(error);
  const replyCode = reply?.code ?? numericCode(error) ?? 541;
  const replyText = reply?.text ?? error.message;
  return { kind: 'channel-error', replyCode, replyText, error: channelClosedError(error) };
}

/** The error for a channel that the broker closed; the text is the broker's own. */
export function channelClosedError(error: Error): LeveretError {
  const reply = brokerReply(error);
  const text = reply === undefined ? error.message : `${reply.code} ${reply.text}`;
  return new LeveretError('LEV_CHANNEL_CLOSED', `The channel was closed: ${text}`, { cause: error });
}

/** An error's text, also for those that carry only a code (Node's AggregateError of refused connections). */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? error.name;
}

/** Any thrown value as an Error. */
export function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

function numericCode(error: Error): number | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'number' ? code : undefined;
}
