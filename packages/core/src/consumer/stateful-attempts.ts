import type { Message } from '../message/message.js';
import type { RememberedFailures } from '../retry/redelivery-attempts.js';
import type { DeliveryEnvironment } from './delivery-environment.js';

// Stateful retry counts attempts over redeliveries, by message id; without one, and in every other mode, nothing is kept.

/** What is known of the message's earlier deliveries. */
export function recallFailures(env: DeliveryEnvironment, message: Message): RememberedFailures | undefined {
  const id = countedId(env, message);
  return id === undefined ? undefined : env.attempts.find(id, message.redelivered);
}

export function rememberFailure(env: DeliveryEnvironment, message: Message, error: unknown): void {
  const id = countedId(env, message);
  const failedAt = env.clock.now();
  if (id !== undefined) env.attempts.record(id, error, failedAt);
}

export function forgetFailures(env: DeliveryEnvironment, message: Message): void {
  const id = countedId(env, message);
  if (id !== undefined) env.attempts.forget(id);
}

export function isUsableId(messageId: string | undefined): messageId is string {
  return messageId !== undefined && messageId !== '';
}

function countedId(env: DeliveryEnvironment, { messageId }: Message): string | undefined {
  const stateful = env.definition.failurePolicy.retry?.stateless === false;
  return stateful && isUsableId(messageId) ? messageId : undefined;
}
