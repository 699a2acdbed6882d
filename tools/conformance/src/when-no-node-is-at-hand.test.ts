import { expect } from 'chai';
import { digestOf, observedOf, readRecorded, recordedPrograms } from './recorded.js';

const VERSIONS = ['3.10', '4.0', '4.3'] as const;
/** What no program may show, whatever it does. */
const WRONG = /law broken|does not answer|no answer about/;
/** What a broker says over a mistake of its own; scenarios provoke it on purpose. */
const BROKEN = /INTERNAL_ERROR/;

for (const version of VERSIONS) {
  describe(`when the embedded broker of ${version} runs conformance programs without a node`, () => {
    const programs = recordedPrograms(version);
    const recorded = readRecorded(version);

    it('runs what is recorded, and nothing else', () => {
      expect(programs.length).to.be.greaterThan(200);
      expect(Object.keys(recorded)).to.deep.equal(programs.map(({ name }) => name));
    });

    for (const program of programs) {
      it(`breaks no law of AMQP, and shows what it has shown beside RabbitMQ: ${program.name}`, async () => {
        const observations = await observedOf(program, version);
        const lines = observations.flat();
        const wrong = program.name.startsWith('random ') ? [WRONG, BROKEN] : [WRONG];
        expect(lines.filter((line) => wrong.some((each) => each.test(line)))).to.deep.equal([]);
        const shown = observations.map((each, step) => `step ${step + 1}\n${each.join('\n')}`).join('\n');
        const hint = `not what is recorded. See what RabbitMQ shows: npm run conformance -- show ${JSON.stringify(program.name)} --version ${version}\n${shown}\n`;
        expect(digestOf(observations), hint).to.equal(recorded[program.name]);
      });
    }
  });
}
