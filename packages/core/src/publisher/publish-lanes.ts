import type { EventSink } from '../events/event-hub.js';
import type { Logger } from '../events/logger.js';
import type { Publication } from '../message/message.js';
import { type Clock, within } from '../time/clock.js';
import type { ConnectionEvent, PublishChannel, Transport } from '../transport/transport.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { ExchangeLooks } from './exchange-looks.js';
import { type FailingDestination, FailingDestinations } from './failing-destinations.js';
import type { Isolation } from './isolation.js';
import { JobSettlement } from './job-settlement.js';
import { LanesApart } from './lanes-apart.js';
import { PublishBuffer } from './publish-buffer.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import type { PublishEvent } from './publish-event.js';
import type { ExplainPublish } from './publish-failure.js';
import { type BodySource, PublishJob, Share } from './publish-job.js';
import { PublishLane, type PublishLaneSetup } from './publish-lane.js';
import type { PublishReceipt } from './publish-options.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';

/** What lanes work with. */
export interface PublishLanesSetup {
  readonly transport: Pick<Transport, 'on' | 'publishBlocked'>;
  readonly open: (timeoutMs: number) => Promise<PublishChannel>;
  /** The same for destinations that do not answer. */
  readonly openApart: (timeoutMs: number) => Promise<PublishChannel>;
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly callbacks: PublishCallbacks;
  readonly events: EventSink<PublishEvent> | undefined;
  readonly explain?: ExplainPublish | undefined;
  readonly stats: PublisherStats;
  readonly isolation: Isolation;
  readonly looks: ExchangeLooks;
  /** Destinations that do not answer get lanes of their own. Not where messages are bound to one channel. */
  readonly separates: boolean;
  /** Told when a channel has ended, after its messages were dealt with. */
  readonly onChannelEnd?: (cause: Error) => void;
}

/** Part of the buffer that messages to destinations that do not answer may hold at most, all of them together. */
const APART = 0.5;

/**
 * Takes messages, bounds what is kept of them, and hands each to a lane: to the one of its destination when that does not
 * answer (see `lanes-apart.ts`), and otherwise to the main one.
 */
export class PublishLanes {
  readonly #setup: PublishLanesSetup;
  readonly #buffer: PublishBuffer;
  readonly #settlement: JobSettlement;
  readonly #failing = new FailingDestinations();
  readonly #main: PublishLane;
  readonly #apart: LanesApart;
  readonly #shares = [new Share(1), new Share(APART)] as const;
  readonly #waitForRoom: DeadlineTimer;
  readonly #unsubscribe: () => void;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(setup: PublishLanesSetup) {
    this.#setup = setup;
    const [all, apart] = this.#shares;
    this.#buffer = new PublishBuffer(setup.options.buffer, this.#shares);
    this.#settlement = new JobSettlement({
      ...setup,
      buffer: this.#buffer,
      failing: this.#failing,
      onAdmitted: (job) => this.#admitted(job),
      onSettled: (job) => this.#settled(job),
      onRefused: (job) => this.#apart.refused(job),
    });
    const lane = (share: Share, more?: Partial<PublishLaneSetup>) =>
      new PublishLane({
        ...setup,
        isBlocked: () => setup.transport.publishBlocked,
        settlement: this.#settlement,
        share,
        isApart: share === apart,
        ...more,
      });
    this.#main = lane(all, {
      onSlow: () => this.#apart.onSlow(),
      onReplaced: () => this.#apart.onReplaced(),
    });
    this.#apart = new LanesApart({
      ...setup,
      main: this.#main,
      open: () => lane(apart, { open: setup.openApart }),
      moved: (job) => this.#buffer.move(job, apart),
    });
    this.#waitForRoom = new DeadlineTimer(setup.clock, (now) => this.#endWaits(now));
    this.#unsubscribe = setup.transport.on((event) => this.#onConnectionEvent(event));
  }

  /** Messages held: waiting for room, queued, in flight, or between attempts. */
  get held(): number {
    return this.#buffer.messages;
  }

  get heldBytes(): number {
    return this.#buffer.bytes;
  }

  get inFlight(): number {
    return this.#all.reduce((sum, lane) => sum + lane.inFlight, 0);
  }

  /** What waits for its confirm. What is queued does so only where nothing goes on: else it waits for its turn. */
  get unconfirmed(): readonly PublishJob[] {
    return this.#all.flatMap(({ places, inFlight, isApart, isHealthy }) => [
      ...places.unconfirmed(inFlight === 0 || (isApart && !isHealthy)),
    ]);
  }

  /** Destinations of which nothing is confirmed any more. */
  failing(now: number): readonly FailingDestination[] {
    return this.#failing.list(now);
  }

  /** Exchanges and keys that have a lane of their own now. */
  get apart(): number {
    return this.#apart.size;
  }

  /** Publishes a message. Calls back exactly once: with the receipt, or with a `PublishError`. */
  submit(
    publication: Publication,
    resolve: (receipt: PublishReceipt) => void,
    reject: (error: Error) => void,
    source?: BodySource,
  ): PublishJob {
    this.#setup.stats.published++;
    const lane = this.#apart.laneFor(publication);
    const now = this.#setup.clock.monotonic();
    const job = new PublishJob(publication, lane, now, resolve, reject, source);
    const { buffer: limits } = this.#setup.options;
    if (this.#closing !== undefined) {
      this.#settlement.giveUp(job, { kind: 'closed', error: new Error('the publisher is closed'), sent: false });
    } else if (this.#buffer.take(job, lane.share)) {
      job.keepBody();
      lane.add(job, now);
      lane.pump();
    } else if (limits.whenFull === 'fail') {
      this.#settlement.giveUp(job, { kind: 'buffer-full', error: this.#buffer.fullError(undefined) });
    } else {
      this.#buffer.waitInLine(job, lane.share, now);
      this.#waitForRoom.arm(now + limits.waitTimeoutMs);
    }
    return job;
  }

  /** Nobody waits for a message any more: it is not written, or not again. Its callbacks are called nevertheless. */
  withdraw(job: PublishJob, error: Error): void {
    job.withdrawn = true;
    if (job.state.kind !== 'queued' && job.state.kind !== 'waiting') return;
    this.#settlement.giveUp(job, { kind: 'confirm-timeout', error, sent: false, stuck: false });
  }

  /** Takes no more messages, waits until the rest has settled, rejects at the time limit what has not. Never rejects. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  get #all(): readonly PublishLane[] {
    return [this.#main, ...this.#apart.lanes];
  }

  #admitted(job: PublishJob): void {
    try {
      job.fetchBody();
    } catch (error) {
      this.#settlement.giveUp(job, { kind: 'buffer-full', error: error as Error });
      return;
    }
    // Its destination may have got a lane of its own since, or lost it.
    const lane = this.#apart.laneFor(job.publication);
    lane.add(job);
    if (lane.isApart) lane.pump();
  }

  #settled(job: PublishJob): void {
    if (job.lane.isApart && job.lane.isEmpty) this.#apart.onEmpty(job.lane);
    if (this.#buffer.messages === 0) this.#onIdle?.();
  }

  #endWaits(now: number): void {
    const { waitTimeoutMs } = this.#setup.options.buffer;
    for (const { waiting } of this.#shares) {
      for (let job = waiting.head; job !== undefined && job.since + waitTimeoutMs <= now; job = waiting.head) {
        this.#settlement.giveUp(job, { kind: 'buffer-full', error: this.#buffer.fullError(waitTimeoutMs) });
      }
      if (waiting.head !== undefined) this.#waitForRoom.arm(waiting.head.since + waitTimeoutMs);
    }
  }

  #onConnectionEvent(event: ConnectionEvent): void {
    if (event.type === 'notice' || event.role !== 'publish') return;
    for (const lane of this.#all) lane.connectionChanged(event.type === 'connected');
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.held > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      await within(this.#setup.clock, timeoutMs, idle, () => undefined);
    }
    this.#unsubscribe();
    this.#waitForRoom.stop();
    const error = new Error(`the publisher was closed, and had waited ${timeoutMs} ms for outstanding confirms`);
    const inLine = this.#shares.flatMap(({ waiting }) => [...waiting]);
    for (const job of inLine.toReversed()) this.#settlement.giveUp(job, { kind: 'closed', error, sent: false });
    const lanes = this.#all;
    this.#apart.stop();
    await Promise.all(lanes.map((lane) => lane.close((sent) => ({ kind: 'closed', error, sent }))));
  }
}
