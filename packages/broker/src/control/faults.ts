import { type Duration, toMilliseconds } from '../clock/duration.js';
import type { Connection } from '../connection/connection.js';
import type { WireFaults } from '../connection/connection-environment.js';
import { toBinaryText } from '../wire/binary-text.js';

/** What the faults act on. */
export interface FaultTarget {
  readonly connections: Iterable<Connection>;
  /** Sets or ends the resource alarm. */
  setAlarm(reason: string | undefined): void;
  /** Makes everything published from now on arrive twice, or ends that. */
  setDuplicates(on: boolean): void;
}

/** Which frames {@link Faults.dropFrames} throws away, seen from the broker. */
export type FrameDirection = 'sent' | 'received' | 'both';

/**
 * Everything that goes wrong with a broker in real life, on order. What is switched on stays until it is switched off, or
 * {@link clear} ends all of it.
 */
export class Faults implements WireFaults {
  delayMs = 0;
  dropsSent = false;
  dropsReceived = false;
  /** New connections are closed as soon as they are made. */
  refusing = false;
  readonly #target: FaultTarget;
  #nacks = 0;

  constructor(target: FaultTarget) {
    this.#target = target;
  }

  /** Cuts connections without a word, as a broken network does: all, or those whose name matches. Returns how many. */
  cutConnections(name?: string | RegExp): number {
    const cut = this.#select(name);
    for (const connection of cut) connection.destroy();
    return cut.length;
  }

  /** Closes connections with a reply, such as `320 CONNECTION_FORCED - shutdown`. Returns how many. */
  closeConnections(text = 'closed by a test', code = 320, name?: string | RegExp): number {
    const closed = this.#select(name);
    for (const connection of closed) connection.close(code, text);
    return closed.length;
  }

  /**
   * Closes channels with a reply, such as `406 PRECONDITION_FAILED - because`: all that are open, or those with this
   * number. Returns how many.
   */
  closeChannel(code: number, text: string, channelNumber?: number): number {
    let count = 0;
    for (const connection of this.#target.connections) {
      for (const number of [...connection.channels.keys()]) {
        if (channelNumber !== undefined && number !== channelNumber) continue;
        connection.failChannel(number, code, text);
        count++;
      }
    }
    return count;
  }

  /** Cancels consumers from the server's side: those of a queue, or with a tag, by that name. Returns how many. */
  cancelConsumer(queueOrTag: string): number {
    const name = toBinaryText(queueOrTag);
    let count = 0;
    for (const connection of this.#target.connections) {
      for (const channel of connection.channels.values()) {
        for (const consumer of [...channel.consumers.values()]) {
          if (consumer.tag !== name && consumer.queue.name !== name) continue;
          channel.cancelFromServer(consumer);
          count++;
        }
      }
    }
    return count;
  }

  /** Raises the memory alarm: a connection that publishes is blocked from then on, as in RabbitMQ. */
  block(reason = 'low on memory'): void {
    this.#target.setAlarm(reason);
  }

  /** Ends the alarm; what was held back is handled. */
  unblock(): void {
    this.#target.setAlarm(undefined);
  }

  /** Holds back everything the broker sends; 0 ends it. Real time, not the virtual clock. */
  delayFrames(delay: Duration): void {
    this.delayMs = toMilliseconds(delay);
  }

  /** Throws frames away without closing anything, as a half-open network does; `false` ends it. */
  dropFrames(direction: FrameDirection | false = 'both'): void {
    this.dropsSent = direction === 'sent' || direction === 'both';
    this.dropsReceived = direction === 'received' || direction === 'both';
  }

  /** Closes every new connection at once, as a port without a listener does; `false` ends it. */
  refuseConnections(refuse = true): void {
    this.refusing = refuse;
  }

  /** Answers the next `count` publishes in confirm mode with basic.nack; those messages are not routed. */
  nackNextConfirms(count = 1): void {
    this.#nacks = count;
  }

  /** Makes everything published from now on arrive twice, the second time as redelivered; `false` ends it. */
  deliverTwice(on = true): void {
    this.#target.setDuplicates(on);
  }

  /** Ends every fault that stays. */
  clear(): void {
    this.delayMs = 0;
    this.dropFrames(false);
    this.refusing = false;
    this.#nacks = 0;
    this.deliverTwice(false);
    this.unblock();
  }

  /** Whether the next confirm is to be a nack; counts it down. */
  takeNack(): boolean {
    if (this.#nacks === 0) return false;
    this.#nacks--;
    return true;
  }

  #select(name: string | RegExp | undefined): Connection[] {
    const all = [...this.#target.connections];
    if (name === undefined) return all;
    return all.filter((connection) =>
      typeof name === 'string' ? connection.name === name : name.test(connection.name),
    );
  }
}
