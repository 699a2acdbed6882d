import { after, before, describe } from 'mocha';
import { needs } from '../../../../tools/scripts/needs.mjs';
import type { SqlDatabase } from '../database/sql-database.js';
import { DATABASE_KINDS, type DatabaseKind, TestDatabase } from './test-database.js';

/** The private database of a test file, once its `before` has run. */
export interface DatabaseAtHand {
  readonly kind: DatabaseKind;
  readonly url: string;
  /** The first connections. */
  readonly database: SqlDatabase<unknown>;
  /** Further ones, as another instance has. */
  open(service?: string): SqlDatabase<unknown>;
}

/** Servers write everything to disk when a database comes or goes: on a busy machine that takes its time. */
const SERVER_LIMIT_MS = 120_000;

/** Describes the same on every kind of database, each in a private database with the tables in it. */
export function describeOnEachDatabase(
  title: string,
  body: (at: DatabaseAtHand) => void,
  only: (kind: DatabaseKind) => boolean = () => true,
): void {
  for (const kind of DATABASE_KINDS.filter(only)) {
    describe(`${title} on ${kind.name}`, () => {
      let made: TestDatabase | undefined;
      let first: SqlDatabase<unknown> | undefined;
      if (kind.service !== undefined) before(needs(kind.service));
      before(async function () {
        this.timeout(SERVER_LIMIT_MS);
        made = await TestDatabase.create(kind);
        first = made.open();
      });
      after(function () {
        this.timeout(SERVER_LIMIT_MS);
        return made?.dispose();
      });
      const present = <T>(value: T | undefined): T => {
        if (value === undefined) throw new Error('the database is made in before()');
        return value;
      };
      body({
        kind,
        get url() {
          return present(made).url;
        },
        get database() {
          return present(first);
        },
        open: (service) => present(made).open(service),
      });
    });
  }
}
