/**
 * `npm run test:brokers [version…]`: the tests that talk to a broker, against a private node of each RabbitMQ version in
 * turn, then a table. A version that cannot be started here is a failure: this command is the proof that all three work.
 */
import { brokerVersions, startNode } from './brokers.mjs';
import { prepare } from './prepare.mjs';
import { runMocha, testFiles } from './run-mocha.mjs';

const versions = process.argv.length > 2 ? process.argv.slice(2) : brokerVersions;
const rows = [];

try {
  await prepare();
  const { unit, situations, examples } = testFiles();
  // core decides and never connects: its tests would say the same three times.
  const specs = [...unit.filter((file) => !file.startsWith('packages/core/')), ...situations, ...examples];
  for (const version of versions) {
    console.log(`\n> RabbitMQ ${version}`);
    const began = performance.now();
    const result = await against(version, specs);
    rows.push({ version, ...result, seconds: Math.round((performance.now() - began) / 1000) });
  }
} catch (error) {
  console.error(error.message);
  rows.push({ version: 'none', passed: 0, failed: 1, skipped: 0, seconds: 0 });
}

console.table(Object.fromEntries(rows.map(({ version, ...row }) => [`RabbitMQ ${version}`, row])));
process.exitCode = rows.some((row) => row.failed > 0 || row.passed === 0) ? 1 : 0;

async function against(version, specs) {
  let node;
  try {
    node = await startNode({ version, plugins: ['rabbitmq_management'] });
    return await runMocha({
      specs,
      env: { AMQP_URL: node.url, MANAGEMENT_URL: node.managementUrl, LEVERET_TEST_BROKER_VERSION: version },
    });
  } catch (error) {
    console.error(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await node?.remove();
  }
}
