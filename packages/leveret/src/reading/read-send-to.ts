import { describeValue, type Problems, parseReplyAddress, type ReplyAddress } from '@leveret/core';

/** Reads what `@SendTo` was given; `undefined` when there is none, or (with a fault) when it leads nowhere. */
export function readSendTo(given: readonly unknown[], problems: Problems): ReplyAddress | undefined {
  if (given.length > 1) problems.add(`@SendTo stands ${given.length} times; a reply goes to one address`);
  const [address] = given;
  if (address === undefined) return undefined;
  if (typeof address !== 'string') {
    problems.add(`@SendTo takes an address such as 'exchange/routingKey'; got ${describeValue(address)}`);
    return undefined;
  }
  const parsed = parseReplyAddress(address);
  if (parsed.exchange === '' && parsed.routingKey === '') {
    problems.add(`@SendTo(${describeValue(address)}) names neither an exchange nor a queue`);
    return undefined;
  }
  return parsed;
}
