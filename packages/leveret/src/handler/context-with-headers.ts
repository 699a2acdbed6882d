import type { DeliveryContext } from '@leveret/core';
import type { ListenerContext } from '../decorators/header-declarations.js';
import type { DeclaredHeaders } from '../reading/read-headers.js';
import { headerValue } from './header-value.js';

/** What a handler gets beside the payload: the context of the attempt, and the headers that it declares. */
export class ContextWithHeaders implements ListenerContext {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly #context: DeliveryContext;

  constructor(context: DeliveryContext, declared: DeclaredHeaders) {
    this.#context = context;
    const headers: Record<string, unknown> = {};
    for (const [key, plan] of declared) headers[key] = headerValue(plan, context.message);
    this.headers = headers;
  }

  get message() {
    return this.#context.message;
  }

  get payload() {
    return this.#context.payload;
  }

  get listenerId() {
    return this.#context.listenerId;
  }

  get queue() {
    return this.#context.queue;
  }

  get redelivered() {
    return this.#context.redelivered;
  }

  get deliveryTag() {
    return this.#context.deliveryTag;
  }

  get consumerTag() {
    return this.#context.consumerTag;
  }

  get receivedAt() {
    return this.#context.receivedAt;
  }

  get attempt() {
    return this.#context.attempt;
  }

  get redeliveries() {
    return this.#context.redeliveries;
  }

  get brokerDeliveryCount() {
    return this.#context.brokerDeliveryCount;
  }

  get deathCount() {
    return this.#context.deathCount;
  }

  get transaction() {
    return this.#context.transaction;
  }

  get signal() {
    return this.#context.signal;
  }

  ack(): boolean {
    return this.#context.ack();
  }

  requeue(options?: { readonly failed?: boolean }): boolean {
    return this.#context.requeue(options);
  }

  reject(): boolean {
    return this.#context.reject();
  }
}
