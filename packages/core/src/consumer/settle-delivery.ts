import { Acknowledgement } from '../acknowledgement/acknowledgement.js';
import type { Outcome } from '../acknowledgement/outcome.js';
import type { Delivery } from '../transport/transport.js';
import { consumesStream } from './check-stream.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { DeliveryNews } from './delivery-news.js';
import type { DeliveryReporter } from './delivery-reporter.js';
import type { ListenerDefinition } from './listener-definition.js';
import type { RejectedKept } from './rejected-messages.js';

/** Why a delivery goes back to the broker although nothing is wrong with it. */
export type GiveBackReason = Extract<DeliveryNews, { readonly type: 'given-back' }>['reason'];

/** Settles one delivery, once, and reports what became of it. */
export class DeliverySettlement {
  /** For the handler of manual mode, which settles by itself. */
  readonly acknowledgement: Acknowledgement;
  readonly #delivery: Delivery;
  readonly #definition: ListenerDefinition;
  readonly #reporter: DeliveryReporter;
  readonly #rejectedKept: () => RejectedKept;

  constructor(delivery: Delivery, env: Pick<DeliveryEnvironment, 'definition' | 'reporter' | 'rejectedKept'>) {
    const { definition, reporter } = env;
    this.acknowledgement = new Acknowledgement(delivery, definition.acknowledge === 'none');
    this.#delivery = delivery;
    this.#definition = definition;
    this.#reporter = reporter;
    this.#rejectedKept = env.rejectedKept;
  }

  /** The handler returned: acknowledges, unless that is the handler's or nobody's. */
  handled(startedAt: number, attempts: number): void {
    const { acknowledge } = this.#definition;
    if (acknowledge === 'auto' && this.acknowledgement.settle('ack') === 'channel-gone') this.channelGone();
    else this.#reporter.handled(this.#delivery, startedAt, attempts);
  }

  /** The message was handled before. Nobody called the handler, so that nobody else acknowledges. */
  duplicate(key: string): void {
    if (this.acknowledgement.settle('ack') === 'channel-gone') this.channelGone();
    else this.#report({ type: 'duplicate', key });
  }

  /** Gives the delivery back to the broker without fault. */
  giveBack(reason: GiveBackReason, error: unknown): void {
    this.#carryOut('give-back', error, reason, { type: 'given-back', reason });
  }

  /** Acknowledges what failed: the handler asked for it, or the requester has the error. */
  acknowledge(error: unknown): void {
    this.#carryOut('ack', error, 'asked', { type: 'acknowledged', error });
  }

  /** Carries out an outcome that the handler's return did not decide. An ack has its event already: `recovered`. */
  settle(outcome: Exclude<Outcome, 'give-back'>, error: unknown, reason: string): void {
    this.#carryOut(outcome, error, reason, this.#newsOf(outcome, error, reason));
  }

  /** Whether the message may still wait at the broker: in manual mode the handler may have settled it before it threw. */
  mayRedeliver(error: unknown): boolean {
    if (this.#definition.acknowledge === 'none' || this.acknowledgement.outcome === undefined) return true;
    this.leave(error);
    return false;
  }

  /** The message waits at the broker: as a copy, or in its queue. */
  redeliver(outcome: 'ack' | 'requeue', error: unknown, news: DeliveryNews): void {
    this.#carryOut(outcome, error, 'redelivery', news);
  }

  /** Manual mode: the handler failed, and is not called again here. What it settled before counts. */
  leave(error: unknown): void {
    switch (this.acknowledgement.outcome) {
      case undefined:
        this.#report({ type: 'left-unsettled', error });
        break;
      case 'ack':
        this.#report({ type: 'acknowledged', error });
        break;
      case 'give-back':
        this.#report({ type: 'given-back', reason: 'asked' });
        break;
      case 'requeue':
        this.#report({ type: 'requeued', error, reason: 'asked' });
        break;
      case 'reject':
        this.#report(this.#rejected(error, 'asked'));
        break;
    }
  }

  channelGone(): void {
    this.#report({ type: 'channel-gone' });
  }

  #carryOut(outcome: Outcome, error: unknown, reason: string, news: DeliveryNews | undefined): void {
    if (this.#definition.acknowledge === 'none') {
      // The broker forgot the message when it sent it: what is not safe elsewhere is gone.
      if (outcome !== 'ack') this.#report({ type: 'dropped', error, reason });
      else if (news !== undefined) this.#report(news);
      return;
    }
    const settlement = this.acknowledgement.settle(outcome);
    if (settlement === 'channel-gone') this.channelGone();
    else if (settlement === 'conflict') this.#report({ type: 'settle-conflict', error });
    else if (news !== undefined) this.#report(news);
  }

  #newsOf(outcome: Exclude<Outcome, 'give-back'>, error: unknown, reason: string): DeliveryNews | undefined {
    switch (outcome) {
      case 'ack':
        return undefined;
      case 'requeue':
        return { type: 'requeued', error, reason };
      case 'reject':
        return this.#rejected(error, reason);
      default:
        return outcome satisfies never;
    }
  }

  #rejected(error: unknown, reason: string): DeliveryNews {
    if (consumesStream(this.#definition)) return { type: 'skipped', error, reason };
    const kept = this.#rejectedKept();
    return kept === 'no' ? { type: 'dropped', error, reason } : { type: 'rejected', error, reason, kept };
  }

  #report(news: DeliveryNews): void {
    this.#reporter.report(this.#delivery, news);
  }
}
