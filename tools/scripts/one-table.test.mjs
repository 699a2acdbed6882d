/**
 * A new option of `@Listener` takes four edits: its description (the interface and the table beside it), who asks for it, a
 * test of that, and the page, which is written from the table. Tried on a copy of core.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { files, root } from './sources.mjs';

const DESCRIPTION = 'packages/core/src/consumer/listener-options.ts';
const READER = 'packages/core/src/consumer/check-stream.ts';

describe('a new option of @Listener', function () {
  this.timeout(120_000);
  let copy;
  let edited;
  before(() => {
    copy = mkdtempSync(join(tmpdir(), 'leveret-option-'));
    edited = new Set();
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    cpSync(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'));
    for (const file of files('packages/core/src', /\.ts$/).filter((path) => !path.endsWith('.test.ts'))) {
      cpSync(join(root, file), join(copy, file));
    }
    for (const file of ['package.json', 'tsconfig.json']) {
      cpSync(join(root, 'packages/core', file), join(copy, 'packages/core', file));
    }
    mkdirSync(join(copy, 'packages/core/dist'));
  });
  after(() => rmSync(copy, { recursive: true, force: true }));

  function edit(file, before, inserted) {
    const text = readFileSync(join(copy, file), 'utf8');
    expect(text.split(before), `${file}: ${before}`).to.have.lengthOf(2);
    writeFileSync(
      join(copy, file),
      text.replace(before, () => `${inserted}${before}`),
    );
    edited.add(file);
  }

  it('is described in one file and asked for in another: checks, merging, page and schema follow', async () => {
    edit(
      DESCRIPTION,
      '  /** Start consuming with the application',
      '  /** Pause behind a failure. */\n  readonly coolDown?: Duration;\n',
    );
    edit(
      DESCRIPTION,
      '  autoStart: flagOption(',
      "  coolDown: durationOption({ or: '2s', text: 'pause behind a failure' }),\n",
    );
    edit(
      READER,
      '  if (exclusive) problems',
      "  if (definition.coolDownMs > 9) problems.add('no time for that on a stream');\n",
    );
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(copy, 'packages/core')], {
      stdio: 'inherit',
    });
    const dist = (path) => import(pathToFileURL(join(copy, 'packages/core/dist', path)).href);
    const { Problems, resolveListenerPolicies, checkKnown, checkStream, objectSchema, LISTENER_POLICY_OPTIONS } =
      await dist('index.js');

    const resolve = (own, defaults = {}) => {
      const problems = new Problems();
      return { policies: resolveListenerPolicies(own, defaults, problems), faults: problems.list };
    };
    expect(resolve({}).policies.coolDownMs).to.equal(2000);
    expect(resolve({}, { coolDown: '3s' }).policies.coolDownMs).to.equal(3000);
    expect(resolve({ coolDown: '4s' }, { coolDown: '3s' }).policies.coolDownMs).to.equal(4000);
    expect(resolve({ coolDown: 'soon' }).faults[0]).to.match(/^coolDown must be milliseconds/);
    const unknown = new Problems();
    checkKnown({ coldown: 1 }, Object.keys(LISTENER_POLICY_OPTIONS), '@Listener', unknown);
    expect(unknown.list[0]).to.contain('Did you mean "coolDown"?');
    expect(objectSchema(LISTENER_POLICY_OPTIONS).properties.coolDown.description).to.contain('pause behind a failure');
    const asked = new Problems();
    checkStream({ ...resolve({}).policies, consumerArguments: { 'x-stream-offset': 'first' } }, asked);
    expect(asked.list).to.deep.equal(['no time for that on a stream']);

    // With the test of its reader, and docs/listeners.md, which check-options.mjs writes.
    expect(edited.size + 2).to.be.at.most(4);
  });
});
