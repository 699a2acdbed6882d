// The parts of amqplib that its types leave out. All are read with a fallback.
interface Internals {
  dispatchMessage?: (fields: { readonly consumerTag: string }, message: unknown) => unknown;
  readonly consumers?: { get?(tag: string): unknown };
}

/**
 * Lets a channel bear messages and cancels for consumers that it does not know: RabbitMQ 4.3 sends `basic.cancel` again for a
 * consumer that it has cancelled already, and amqplib throws at it, which ends the connection with all other consumers.
 * Nothing is lost with what is dropped: it is unsettled, and comes again when the channel closes.
 * @see docs/decisions/0006-message-properties-are-read-here.md
 */
export function guardConsumers(channel: unknown): void {
  const internals = channel as Internals;
  const { dispatchMessage, consumers } = internals;
  if (typeof dispatchMessage !== 'function' || typeof consumers?.get !== 'function') return;
  internals.dispatchMessage = (fields, message) =>
    consumers.get?.(fields.consumerTag) === undefined ? undefined : dispatchMessage.call(channel, fields, message);
}
