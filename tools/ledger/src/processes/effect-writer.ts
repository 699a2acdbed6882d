import type pg from 'pg';

/** One row of the table of effects. */
export interface Effect {
  readonly n: number;
  readonly key: number;
  readonly seq: number;
  readonly process: string;
}

const ONE = 'INSERT INTO effects (n, key, seq, process) VALUES ($1, $2, $3, $4)';
const MANY =
  'INSERT INTO effects (n, key, seq, process) SELECT * FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[])';

/** Writes an effect in the transaction of an inbox. */
export async function writeEffect(
  writes: { query(text: string, values: unknown[]): Promise<unknown> },
  effect: Effect,
): Promise<void> {
  await writes.query(ONE, [effect.n, effect.key, effect.seq, effect.process]);
}

/**
 * Writes effects without an inbox: those of one turn of the event loop in one statement, as services do that have many of
 * them. Each promise resolves when its row is committed.
 */
export class EffectWriter {
  readonly #pool: pg.Pool;
  #waiting: { readonly effect: Effect; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  write(effect: Effect): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => void this.#send());
      this.#waiting.push({ effect, resolve, reject });
    });
  }

  async #send(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    const column = (name: keyof Effect) => batch.map(({ effect }) => effect[name]);
    try {
      await this.#pool.query(MANY, [column('n'), column('key'), column('seq'), column('process')]);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
