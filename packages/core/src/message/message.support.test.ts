import fc from 'fast-check';
import type { Message } from './message.js';

/** A message as a test needs it; what is not given is what a plain publish of text would have. */
export function aMessage(parts: Partial<Message> & { readonly text?: string } = {}): Message {
  const { text = '{}', ...rest } = parts;
  return { body: Buffer.from(text), headers: {}, exchange: '', routingKey: 'orders', redelivered: false, ...rest };
}

/** Whatever JSON can hold, but for the keys that are refused: fast-check likes to make them. */
export const harmlessJson = fc.jsonValue().filter((value) => !/"(__proto__|prototype)":/.test(JSON.stringify(value)));
