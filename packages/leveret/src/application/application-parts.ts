import {
  type ApplicationPart,
  type EventSink,
  errorText,
  type Logger,
  type PartEvent,
  type PartHost,
} from '@leveret/core';

/** How something is that works beside the listeners. */
export interface PartHealth {
  readonly name: string;
  /** What is amiss; nothing when all is well. */
  readonly concerns: readonly string[];
}

/** What works for an application beside its listeners, such as the relays of its outboxes. */
export class ApplicationParts {
  readonly #parts = new Set<ApplicationPart>();
  readonly #logger: Logger;
  readonly #events: EventSink<PartEvent>;

  constructor(logger: Logger, events: EventSink<PartEvent>) {
    this.#logger = logger;
    this.#events = events;
  }

  attach(part: ApplicationPart): PartHost {
    this.#parts.add(part);
    return {
      logger: this.#logger,
      emit: (event) => this.#events.emit(event),
      detach: () => void this.#parts.delete(part),
    };
  }

  /** There is a connection to publish on, first or again. */
  publishable(): void {
    for (const part of [...this.#parts]) part.publishable?.();
  }

  get health(): readonly PartHealth[] {
    return [...this.#parts].map((part) => ({ name: part.name, concerns: concernsOf(part) }));
  }
}

/** Health must be told whatever a part does. */
function concernsOf(part: ApplicationPart): readonly string[] {
  try {
    return part.concerns();
  } catch (error) {
    return [`it cannot say how it is: ${errorText(error)}`];
  }
}
