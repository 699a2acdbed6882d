import { type ApplicationPart, errorText, type PartHost } from '@leveret/core';

/** What can be amiss with a relay. */
export type RelayTrouble = 'read' | 'write' | 'publish' | 'parked' | 'housekeeping';

const SENTENCES: Readonly<Record<RelayTrouble, string>> = {
  read: 'the outbox cannot be read',
  write: 'what became of messages cannot be written down',
  publish: 'messages cannot be published',
  parked: 'parked messages wait for a person',
  housekeeping: 'the tables cannot be kept in order',
};

/** How a relay is, for the application that it publishes through: its health shows what is amiss, its events what changes. */
export class RelayHealth implements ApplicationPart {
  readonly name: string;
  readonly #troubles = new Map<RelayTrouble, string>();
  readonly publishable: () => void;
  #host: PartHost | undefined;
  #parkings = 0;

  /** @param publishable called when the application has its connection back. Default: nobody waits for it */
  constructor(name: string, publishable: () => void = () => {}) {
    this.name = name;
    this.publishable = publishable;
  }

  /** @param host the application, if there is one */
  attachedTo(host: PartHost | undefined): void {
    this.#host = host;
  }

  concerns(): readonly string[] {
    return [...this.#troubles.values()];
  }

  amiss(trouble: RelayTrouble, why: unknown): void {
    const concern = `${SENTENCES[trouble]}: ${errorText(why)}`;
    const isNew = !this.#troubles.has(trouble);
    this.#troubles.set(trouble, concern);
    if (isNew) this.#host?.emit({ type: 'part-degraded', part: this.name, concern });
  }

  well(trouble: RelayTrouble): void {
    if (this.#troubles.delete(trouble) && this.#troubles.size === 0)
      this.#host?.emit({ type: 'part-recovered', part: this.name });
  }

  /** How many messages it has heard of that were parked. */
  get parkings(): number {
    return this.#parkings;
  }

  parked(id: number, error: string): void {
    this.#parkings++;
    this.#host?.emit({ type: 'message-parked', part: this.name, id, error });
    this.amiss('parked', error);
  }

  detach(): void {
    this.#host?.detach();
  }
}
