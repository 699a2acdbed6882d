import { expect } from 'chai';
import type { Program } from './program/program.js';
import { type Run, runProgram } from './program/run-program.js';
import { generateProgram } from './random/generate.js';
import { suite } from './scenarios/suite.js';
import { EmbeddedTarget } from './targets/embedded-target.js';

const VERSIONS = ['3.10', '4.0', '4.3'] as const;
const RANDOM_PROGRAMS = 40;
/** What no program may show, whatever it does. */
const WRONG = /law broken|does not answer|no answer about/;
/** What a broker says over a mistake of its own; scenarios provoke it on purpose. */
const BROKEN = /INTERNAL_ERROR/;

async function run(program: Program, version: (typeof VERSIONS)[number]): Promise<Run['observations']> {
  await using embedded = await EmbeddedTarget.start(version, 'v');
  return (await runProgram(program, embedded)).observations;
}

for (const version of VERSIONS) {
  describe(`when the embedded broker of ${version} runs conformance programs without a node`, function () {
    this.timeout(120_000);

    it('breaks no law of AMQP in any quick scenario', async () => {
      const known = suite.filter(({ slow, versions }) => slow !== true && (versions?.includes(version) ?? true));
      expect(known.length).to.be.greaterThan(150);
      for (const scenario of known) {
        const lines = (await run(scenario, version)).flat();
        expect(
          lines.filter((line) => WRONG.test(line)),
          scenario.name,
        ).to.deep.equal([]);
      }
    });

    it('shows the same every time in random programs, and breaks no law', async () => {
      for (let seed = 1; seed <= RANDOM_PROGRAMS; seed++) {
        const program = generateProgram(seed);
        const observations = await run(program, version);
        const wrong = observations.flat().filter((line) => WRONG.test(line) || BROKEN.test(line));
        expect(wrong, program.name).to.deep.equal([]);
        expect(await run(program, version), program.name).to.deep.equal(observations);
      }
    });
  });
}
