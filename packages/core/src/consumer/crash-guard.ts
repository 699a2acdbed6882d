import { brokerDeliveryCount } from '../delivery/delivery-counts.js';
import type { Message } from '../message/message.js';
import type { Transport } from '../transport/transport.js';
import type { CrashRecords } from './crash-records.js';
import type { ListenerDefinition } from './listener-definition.js';
import { atShutdown } from './prefetched-at-shutdown.js';
import type { SuspectTurns } from './suspect-turns.js';

/** A consumer, as far as others may have to be alone. */
export interface SuspectRunner {
  /** A handler is at work. */
  readonly isAtWork: boolean;
  /** Nothing is at work, and nothing waits but what may end the process. */
  readonly hasOnlySuspects: boolean;
  /** Another, or it itself, is to be alone: nothing more comes, and where that is free, what waits goes back. */
  recede(givesBack: boolean): void;
  /** No suspect is to be alone any more. */
  comeBack(): void;
}

/** What a crash guard stands on. */
export interface CrashGuardSetup {
  readonly definition: ListenerDefinition;
  readonly transport: Pick<Transport, 'broker'>;
  /** `undefined` where nothing remembers more than this process does. */
  readonly records: CrashRecords | undefined;
  consumers(): readonly SuspectRunner[];
  readonly turns: SuspectTurns;
}

/** Without a store: as many failed deliveries, by the count of a quorum queue, let a message run alone. */
const SUSPICIOUS_COUNT = 2;

/**
 * Sees to it that a message that may end the process does so alone: when it is run, nothing else of its listener is at work, or
 * in hand where that can be had.
 */
export class CrashGuard {
  readonly records: CrashRecords | undefined;
  readonly #setup: CrashGuardSetup;
  readonly #turns: SuspectTurns;
  /** The consumer that runs a suspect alone, or waits until it can. */
  #alone: SuspectRunner | undefined;
  #waiters: (() => void)[] = [];

  constructor(setup: CrashGuardSetup) {
    this.#setup = setup;
    this.records = setup.records;
    this.#turns = setup.turns;
  }

  /** Whether it was delivered before, and did not come back by being given back. */
  isSuspect(message: Message): boolean {
    if (!message.redelivered) return false;
    const { definition, transport } = this.#setup;
    const { queueDeclaration } = definition;
    if (queueDeclaration?.type !== 'quorum') return true;
    // Where giving back is free it is not counted either.
    return atShutdown(definition, transport) !== 'give-back' || brokerDeliveryCount(message) > 0;
  }

  /** Without records: whether the broker has counted it often enough. */
  isCounted(message: Message): boolean {
    return (
      this.#setup.definition.queueDeclaration?.type === 'quorum' && brokerDeliveryCount(message) >= SUSPICIOUS_COUNT
    );
  }

  /** Another consumer runs a suspect, or is about to. */
  blocks(consumer: SuspectRunner): boolean {
    return this.#alone !== undefined && this.#alone !== consumer;
  }

  /** This consumer runs a suspect alone, or is about to. */
  isolates(consumer: SuspectRunner): boolean {
    return this.#alone === consumer;
  }

  /** Answers `undefined` when a consumer is alone, else what to wait for before it is asked again. */
  whenAlone(consumer: SuspectRunner): Promise<void> | undefined {
    if (this.blocks(consumer)) return this.#changed();
    if (!this.#turns.take(this)) return this.#turns.left();
    if (this.#alone === undefined) this.#isolate(consumer);
    const others = this.#setup.consumers().filter((other) => other !== consumer);
    return !consumer.isAtWork && others.every((other) => other.hasOnlySuspects) ? undefined : this.#changed();
  }

  /** A suspect has had its run, or is gone. */
  release(consumer: SuspectRunner): void {
    if (this.#alone !== consumer) return;
    this.#alone = undefined;
    this.#turns.leave(this);
    for (const each of this.#setup.consumers()) each.comeBack();
    this.changed();
  }

  /** Something has happened to what a consumer has. */
  changed(): void {
    if (this.#waiters.length === 0) return;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #isolate(consumer: SuspectRunner): void {
    this.#alone = consumer;
    const { definition, transport } = this.#setup;
    const isFree = atShutdown(definition, transport) === 'give-back' && definition.acknowledge !== 'none';
    for (const each of this.#setup.consumers()) each.recede(isFree);
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }
}
